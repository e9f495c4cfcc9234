package formats_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
)

func clock(t *testing.T, zone string) localtime.Clock {
	t.Helper()
	if zone == "" {
		return localtime.New(nil)
	}
	z, err := time.LoadLocation(zone)
	require.NoError(t, err)
	return localtime.New(z)
}

func TestNamedTimes(t *testing.T) {
	for _, test := range []struct {
		zone, in, abbr, want string
		err                  error
	}{
		{"", "2026-11-21 21:47:39", "UTC", "2026-11-21T21:47:39Z", nil},
		{"Europe/Berlin", "2026-11-21 21:47:39", "GMT", "2026-11-21T21:47:39Z", nil},
		{"", "2026-11-21 21:47:39", "+03", "2026-11-21T18:47:39Z", nil},
		{"", "2026-11-21 21:47:39", "-0330", "2026-11-22T01:17:39Z", nil},
		{"Europe/Moscow", "2026-11-21 12:55:42", "MSK", "2026-11-21T09:55:42Z", nil},
		// IST is India's, Ireland's and Israel's: the zone tells
		{"Asia/Kolkata", "2026-07-01 12:00:00", "IST", "2026-07-01T06:30:00Z", nil},
		{"Asia/Jerusalem", "2026-01-01 12:00:00", "IST", "2026-01-01T10:00:00Z", nil},
		// the hour that comes twice is told apart by the abbreviation
		{"Europe/Berlin", "2026-10-25 02:30:00", "CEST", "2026-10-25T00:30:00Z", nil},
		{"Europe/Berlin", "2026-10-25 02:30:00", "CET", "2026-10-25T01:30:00Z", nil},
		{"", "2026-11-21 21:47:39", "MSK", "", localtime.ErrNoZone},
		{"", "2026-11-21 21:47:39", "", "", localtime.ErrNoZone},
		{"Europe/Berlin", "2026-11-21 21:47:39", "MSK", "", localtime.ErrMismatch},
		{"Europe/Berlin", "2026-11-21 21:47:39", "CEST", "", localtime.ErrMismatch},
		{"Europe/Berlin", "2026-03-29 02:30:00", "CET", "", localtime.ErrSkipped},
	} {
		c := clock(t, test.zone)
		local, ok := localtime.ParseCivil(test.in)
		require.True(t, ok)
		for range 2 { // the second time from memory
			unix, err := c.UnixOfAbbreviation(local, test.abbr)
			require.ErrorIs(t, err, test.err, "%+v", test)
			if err == nil {
				require.Equal(t, test.want, time.Unix(unix, 0).UTC().Format(time.RFC3339), "%+v", test)
			}
		}
	}
}

// Every ten minutes of two years, in zones that change their clocks in all ways, is read as what it was written for, the hour
// that comes twice aside: there the order of the lines decides.
func TestZonelessTimes(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata", "UTC", "Africa/Casablanca"} {
		c := clock(t, zone)
		z, _ := time.LoadLocation(zone)
		before := int64(0)
		for at := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2027; at = at.Add(10 * time.Minute) {
			local, ok := localtime.ParseCivil(at.In(z).Format("2006-01-02 15:04:05"))
			unix, err := c.Unix(local, before)
			if !ok || err != nil || unix != at.Unix() { // require takes longer than all of this
				t.Fatalf("%s %s is read as %d: %v", zone, at, unix, err)
			}
			before = unix
		}
	}
	c := clock(t, "Europe/Berlin")
	local, _ := localtime.ParseCivil("2026-03-29 02:30:00")
	_, err := c.Unix(local, 0)
	require.ErrorIs(t, err, localtime.ErrSkipped)
	c = clock(t, "")
	_, err = c.Unix(local, 0)
	require.ErrorIs(t, err, localtime.ErrNoZone)
}

func TestCivilTimesThatAreNone(t *testing.T) {
	for _, in := range []string{"", "2026-11-21", "2026-13-01 00:00:00", "2026-02-29 00:00:00", "2026-11-21 24:00:00", "2026-11-21 22:60:00", "2026-11-21x22:00:00", "2026-11-21 22:00:0a"} {
		_, ok := localtime.ParseCivil(in)
		require.False(t, ok, in)
	}
}

func TestFraction(t *testing.T) {
	for _, test := range []struct {
		in    string
		nanos int64
		rest  string
		ok    bool
	}{
		{".355 UTC", 355e6, " UTC", true},
		{"+02:00", 0, "+02:00", true},
		{".123456789", 123456789, "", true},
		{".1234567891", 123456789, "1", true},
		{".x", 0, ".x", false},
	} {
		nanos, rest, ok := localtime.ParseFraction(test.in)
		require.Equal(t, test.ok, ok, test.in)
		require.Equal(t, test.nanos, nanos, test.in)
		require.Equal(t, test.rest, rest, test.in)
	}
}

// Nanoseconds in 64 bits end in 2262: a later time is none, and not one of another century.
func TestMomentsThatEventsCannotKeep(t *testing.T) {
	for _, test := range []struct {
		at time.Time
		ok bool
	}{
		{time.Date(2261, 12, 31, 23, 59, 59, 999999999, time.UTC), true},
		{time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC), false},
		{time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), false},
		{time.Date(1969, 12, 31, 23, 59, 59, 5, time.UTC), true},
		{time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC), true},
		{time.Date(1677, 1, 1, 0, 0, 0, 0, time.UTC), false},
		{time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), false},
	} {
		nanos, err := localtime.UnixNanos(test.at.Unix(), int64(test.at.Nanosecond()))
		if !test.ok {
			require.ErrorIs(t, err, localtime.ErrRange, test.at)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, test.at, time.Unix(0, nanos).UTC())
	}
	for _, stamp := range []string{"9999-11-21T22:03:18Z vm", "9999-11-21 22:03:18 vm", "0001-01-01T00:00:00+01:00 vm"} {
		s := localtime.Syslog{Clock: clock(t, "UTC")}
		_, _, err := s.Stamp(stamp)
		require.ErrorIs(t, err, localtime.ErrRange, stamp)
		require.Zero(t, s.Before, "what cannot be does not move the clock")
	}
}
