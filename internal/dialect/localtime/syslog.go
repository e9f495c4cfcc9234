package localtime

import (
	"errors"
	"strings"
	"time"
)

// Errors of [Syslog].
var (
	ErrStamp  = errors.New("no time of the form Nov 21 22:03:18 or 2026-11-21T22:03:18.123+01:00 at the beginning")
	ErrNoYear = errors.New("a time without a year, and nobody knows when the text was written")
)

// Syslog reads the times of syslog's files: classic ones have neither year nor zone, ISO ones have both.
type Syslog struct {
	Clock
	Written int64 // seconds since 1970 UTC when the text was last written, 0 when nobody knows
	Before  int64 // seconds, of the line before; 0 of the first one
}

// Stamp reads the time at the beginning of a line, and gives what follows the blank behind it. The year of a classic time
// is the last one that does not lie after the text was written; from then on, the one that is nearest to the line before.
func (s *Syslog) Stamp(line string) (nanos int64, rest string, err error) {
	switch {
	case len(line) > 20 && line[4] == '-':
		nanos, rest, err = s.iso(line)
	case len(line) > 16 && line[3] == ' ' && line[15] == ' ':
		nanos, err = s.classic(line[:15])
		rest = line[16:]
	default:
		return 0, "", ErrStamp
	}
	if err == nil {
		s.Before = nanos / 1e9
	}
	return nanos, rest, err
}

func (s *Syslog) iso(line string) (nanos int64, rest string, err error) {
	local, ok := Civil(line[:19])
	fraction, rest, ok2 := Fraction(line[19:])
	zone, rest, ok3 := strings.Cut(rest, " ")
	if !ok || !ok2 || !ok3 {
		return 0, "", ErrStamp
	}
	if zone == "" {
		if local, err = s.Unix(local, s.Before); err != nil {
			return 0, "", err
		}
		nanos, err = Nanos(local, fraction)
		return nanos, rest, err
	}
	offset := int64(0)
	if zone != "Z" {
		if offset, ok = numeric(zone); !ok {
			return 0, "", ErrStamp
		}
	}
	nanos, err = Nanos(local-offset, fraction)
	return nanos, rest, err
}

// classic reads "Nov  1 22:03:18".
func (s *Syslog) classic(stamp string) (nanos int64, err error) {
	month := Month(stamp[:3])
	date, ok := Digits(strings.TrimPrefix(stamp[4:6], " "))
	if month == 0 || !ok {
		return 0, ErrStamp
	}
	near := s.Before
	if near == 0 {
		if near = s.Written; near == 0 {
			return 0, ErrNoYear
		}
	}
	const year = 31556952 // seconds, on average
	around := int64(time.Unix(near, 0).UTC().Year())
	best, found := int64(0), false
	for y := around - 4; y <= around+1; y++ { // the 29th of February is not in every year
		local, ok := At(y, month, date, stamp[7:])
		if !ok || s.Before == 0 && local > near+2*day || s.Before != 0 && found && distance(best, near) <= distance(local, near) {
			continue
		}
		best, found = local, true
	}
	if !found || distance(best, near) > 5*year {
		return 0, ErrStamp
	}
	unix, err := s.Unix(best, s.Before)
	if err != nil {
		return 0, err
	}
	return Nanos(unix, 0)
}

func distance(a, b int64) int64 { return max(a-b, b-a) }
