package export

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
)

func loadZone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

func TestTimesInEverySpelling(t *testing.T) {
	for _, test := range []struct{ zone, in, want string }{
		// simple, with every number of digits
		{"UTC", "2026-11-21 22:00:39.455319", "2026-11-21T22:00:39.455319Z"},
		{"UTC", "2026-11-21 22:00:39", "2026-11-21T22:00:39Z"},
		{"UTC", "2026-11-21 22:00:39.5", "2026-11-21T22:00:39.5Z"},
		{"UTC", "2026-11-21 22:00:39.123456789", "2026-11-21T22:00:39.123456Z"},
		{"UTC", "1970-01-01 00:00:00.000000", "1970-01-01T00:00:00Z"},
		{"UTC", "1969-12-31 23:59:59.999999", "1969-12-31T23:59:59.999999Z"},
		{"UTC", "2000-02-29 00:00:00", "2000-02-29T00:00:00Z"},
		{"UTC", "2299-12-31 23:59:59.000000", "2299-12-31T23:59:59Z"},
		{"Asia/Kolkata", "2026-11-22 03:30:39.455319", "2026-11-21T22:00:39.455319Z"},
		{"Europe/Berlin", "2026-07-01 12:00:00.000001", "2026-07-01T10:00:00.000001Z"},
		{"Europe/Berlin", "2026-01-01 12:00:00.000001", "2026-01-01T11:00:00.000001Z"},
		// times that carry their zone need none
		{"", "2026-11-21T16:30:39.455319Z", "2026-11-21T16:30:39.455319Z"},
		{"", "2026-11-21 22:00:39.455319+05:30", "2026-11-21T16:30:39.455319Z"},
		{"", "2026-11-21 22:00:39-0800", "2026-11-22T06:00:39Z"},
		{"", "2026-11-21T22:00:39+01", "2026-11-21T21:00:39Z"},
		{"", "1795278639.455319", "2026-11-21T16:30:39.455319Z"},
		{"", "1795278639", "2026-11-21T16:30:39Z"},
		{"", "0", "1970-01-01T00:00:00Z"},
		{"", "1795278639455319", "2026-11-21T16:30:39.455319Z"},
		{"Asia/Kolkata", "1795278639", "2026-11-21T16:30:39Z"},
		// around a change of clocks, on either side and in zones that change by half an hour
		{"Europe/Berlin", "2026-03-29 01:59:59", "2026-03-29T00:59:59Z"},
		{"Europe/Berlin", "2026-03-29 03:00:00", "2026-03-29T01:00:00Z"},
		{"Europe/Berlin", "2026-10-25 01:59:59", "2026-10-24T23:59:59Z"},
		{"Europe/Berlin", "2026-10-25 03:00:00", "2026-10-25T02:00:00Z"},
		{"Australia/Lord_Howe", "2026-04-05 01:15:00", "2026-04-04T14:15:00Z"},
		{"Australia/Lord_Howe", "2026-04-05 02:00:00", "2026-04-04T15:30:00Z"},
	} {
		c := newServerClock(nil)
		if test.zone != "" {
			c = newServerClock(loadZone(t, test.zone))
		}
		micros, err := c.parseTimeMicros(test.in, 0)
		require.NoError(t, err, test.in)
		require.Equal(t, test.want, time.UnixMicro(micros).UTC().Format(time.RFC3339Nano), test.in)
		again, err := c.parseTimeMicros(test.in, 0)
		require.NoError(t, err)
		require.Equal(t, micros, again, test.in)
	}
}

func TestTimesThatAreNone(t *testing.T) {
	for in, want := range map[string]error{
		"": errNoTime, "x": errNoTime, "2026-11-21": errNoTime, "2026-11-21 22:00": errNoTime, "2026-13-01 00:00:00": errNoTime,
		"2026-02-29 00:00:00": errNoTime, "2026-11-21 24:00:00": errNoTime, "2026-11-21 22:60:00": errNoTime, "2026-11-21 22:00:39.": errNoTime,
		"2026-11-21 22:00:39x": errNoTime, "2026-11-21 22:00:39.1234567890": errNoTime, "2026-11-21 22:00:39+25:00": errNoTime,
		"2026-11-21 22:00:39+1": errNoTime, "-1": errNoTime, "999999999999": errNoTime, "1.": errNoTime, "12345678901234567890": errNoTime,
		"2026-03-29 02:30:00": localtime.ErrSkipped, // clocks were put forward from 2 to 3
	} {
		c := newServerClock(loadZone(t, "Europe/Berlin"))
		_, err := c.parseTimeMicros(in, 0)
		require.ErrorIs(t, err, want, in)
	}
	c := newServerClock(nil)
	_, err := c.parseTimeMicros("2026-11-21 22:00:39", 0)
	require.ErrorIs(t, err, localtime.ErrNoZone)
}

// Every second of two years, in zones that change their clocks in all ways, is read as what it was written for, the hour
// that comes twice aside: there it is one of two.
func TestLocalTimesAreReadAsTheyWereWritten(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata", "UTC", "Africa/Casablanca", "America/Sao_Paulo"} {
		z := loadZone(t, name)
		c := newServerClock(z)
		ambiguous := 0
		for at := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2027; at = at.Add(17*time.Minute + 13*time.Second) {
			text := at.In(z).Format("2006-01-02 15:04:05")
			micros, err := c.parseTimeMicros(text, at.UnixMicro())
			require.NoError(t, err, "%s %s", name, text)
			if micros != at.UnixMicro() {
				ambiguous++
				require.Equal(t, text, time.UnixMicro(micros).In(z).Format("2006-01-02 15:04:05"))
			}
		}
		require.Zero(t, ambiguous, "%s: rows in order must be read without doubt", name)
	}
}

func TestTheHourThatComesTwice(t *testing.T) {
	c := newServerClock(loadZone(t, "Europe/Berlin"))
	at := func(s string) int64 {
		when, err := time.Parse(time.RFC3339, s)
		require.NoError(t, err)
		return when.UnixMicro()
	}
	for _, test := range []struct{ local, before, want, why string }{
		{"2026-10-25 02:30:00", "1970-01-01T00:00:00Z", "2026-10-25T00:30:00Z", "the earlier reading when nothing is known"},
		{"2026-10-25 02:30:00", "2026-10-25T00:29:00Z", "2026-10-25T00:30:00Z", "the earlier one while time goes on"},
		{"2026-10-25 02:30:00", "2026-10-25T00:30:59Z", "2026-10-25T00:30:00Z", "rows of one batch may be out of order"},
		{"2026-10-25 02:30:00", "2026-10-25T00:50:00Z", "2026-10-25T01:30:00Z", "the later one when time would run back"},
		{"2026-10-25 02:30:00", "2026-10-25T01:29:00Z", "2026-10-25T01:30:00Z", "and from then on"},
		{"2026-10-25 02:30:00", "2026-10-25T09:00:00Z", "2026-10-25T00:30:00Z", "the earlier one in an export without order"},
	} {
		micros, err := c.parseTimeMicros(test.local, at(test.before))
		require.NoError(t, err)
		require.Equal(t, at(test.want), micros, test.why)
	}
	require.Equal(t, 6, c.local.AmbiguousTimes())
}
