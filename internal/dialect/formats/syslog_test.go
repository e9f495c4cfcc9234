package formats_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
)

func TestSyslogStamps(t *testing.T) {
	written := time.Date(2027, 1, 3, 12, 0, 0, 0, time.UTC).Unix()
	for _, test := range []struct {
		zone, in, want, rest string
		err                  error
	}{
		{"UTC", "Nov 21 22:03:18 vm sshd[1]: x", "2026-11-21T22:03:18Z", "vm sshd[1]: x", nil},
		{"UTC", "Jan  2 22:03:18 vm", "2027-01-02T22:03:18Z", "vm", nil},
		{"UTC", "Jan  4 22:03:18 vm", "2027-01-04T22:03:18Z", "vm", nil}, // written within the same poll
		{"UTC", "Jan 20 22:03:18 vm", "2026-01-20T22:03:18Z", "vm", nil},
		{"UTC", "Feb 29 22:03:18 vm", "2024-02-29T22:03:18Z", "vm", nil},
		{"Europe/Berlin", "Nov 21 22:03:18 vm", "2026-11-21T21:03:18Z", "vm", nil},
		{"", "2026-11-21T22:03:18.123456+01:00 vm x", "2026-11-21T21:03:18.123456Z", "vm x", nil},
		{"", "2026-11-21T22:03:18Z vm", "2026-11-21T22:03:18Z", "vm", nil},
		{"Europe/Berlin", "2026-11-21 22:03:18 vm", "2026-11-21T21:03:18Z", "vm", nil},
		{"UTC", "Nov 21 22:03:18.123456 vm x", "2026-11-21T22:03:18.123456Z", "vm x", nil},
		{"UTC", "Jan 02 22:03:18 vm", "2027-01-02T22:03:18Z", "vm", nil},
		{"UTC", "Jan 2 22:03:18 vm x", "2027-01-02T22:03:18Z", "vm x", nil},
		{"UTC", "Nov 21 2025 22:03:18 vm", "2025-11-21T22:03:18Z", "vm", nil},
		{"Europe/Berlin", "Sat Nov 21 22:03:18 2026 auth.info x", "2026-11-21T21:03:18Z", "auth.info x", nil},
		{"", "Sat 2026-11-21 22:03:18 UTC vm x", "2026-11-21T22:03:18Z", "vm x", nil},
		{"Europe/Berlin", "Sat 2026-11-21 22:03:18 CET vm x", "2026-11-21T21:03:18Z", "vm x", nil},
		{"Europe/Berlin", "Sat 2026-11-21 22:03:18 PST vm x", "", "", localtime.ErrMismatch},
		{"", "Sat 2026-11-21 22:03:18 CET vm x", "", "", localtime.ErrNoZone},
		{"", "2026-11-21T22:03:18+0100 vm x", "2026-11-21T21:03:18Z", "vm x", nil},
		{"", "2026-11-21 22:03:18.123456-0800  localhost x", "2026-11-22T06:03:18.123456Z", " localhost x", nil},
		{"", "1795298598.123456 vm x", "2026-11-21T22:03:18.123456Z", "vm x", nil},
		{"", "[1795298598.123] auth.info x", "2026-11-21T22:03:18.123Z", "auth.info x", nil},
		{"", "[ 1234.123456] vm x", "", "", localtime.ErrStamp},
		{"UTC", "Sat Nov 21 22:03:18 vm x", "", "", localtime.ErrStamp},
		{"UTC", "2026-11-21T22:03:18&x vm", "", "", localtime.ErrStamp},
		{"", "Nov 21 22:03:18 vm", "", "", localtime.ErrNoZone},
		{"", "Nox 21 22:03:18 vm", "", "", localtime.ErrStamp},
		{"UTC", "Nov 31 22:03:18 vm", "", "", localtime.ErrStamp},
		{"", "2026-11-21T22:03:18+25:00 vm", "", "", localtime.ErrStamp},
		{"", "x", "", "", localtime.ErrStamp},
	} {
		s := localtime.Syslog{Clock: clock(t, test.zone), Written: written}
		nanos, rest, err := s.Stamp(test.in)
		require.ErrorIs(t, err, test.err, test.in)
		if err == nil {
			require.Equal(t, test.want, time.Unix(0, nanos).UTC().Format(time.RFC3339Nano), test.in)
			require.Equal(t, test.rest, rest)
		}
	}
	_, _, err := (&localtime.Syslog{Clock: clock(t, "UTC")}).Stamp("Nov 21 22:03:18 vm")
	require.ErrorIs(t, err, localtime.ErrNoYear)
}

// The year goes on with the lines, over a New Year and long after the time at which the text was first looked at.
func TestSyslogYears(t *testing.T) {
	s := localtime.Syslog{Clock: clock(t, "UTC"), Written: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC).Unix()}
	for at := time.Date(2026, 11, 1, 7, 0, 0, 0, time.UTC); at.Year() < 2029; at = at.Add(79 * time.Hour) {
		nanos, _, err := s.Stamp(at.Format(time.Stamp) + " vm")
		require.NoError(t, err)
		require.Equal(t, at, time.Unix(0, nanos).UTC())
	}
}
