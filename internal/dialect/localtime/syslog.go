package localtime

import (
	"errors"
	"strings"
	"time"
)

// Errors of [Syslog.Stamp].
var (
	ErrStamp  = errors.New("no time of the form Nov 21 22:03:18 or 2026-11-21T22:03:18.123+01:00 at the beginning")
	ErrNoYear = errors.New("a time without a year, and it is not known when the text was written")
)

// Syslog reads the times of system logs: classic ones have neither year nor zone, ISO ones have both.
type Syslog struct {
	Clock
	Written int64 // seconds since 1970 UTC when the text was last written, 0 when unknown
	Before  int64 // seconds, of the line before; 0 of the first one
}

// CutStamp removes a time, and the blank after it, from the beginning of a line without parsing it.
func CutStamp(line string) (rest string, ok bool) {
	_, rest, ok = cutTimeStamp(line)
	return rest, ok
}

// Stamp reads the time at the beginning of a line, and returns what follows the blank after it. The year of a classic time
// is the last one before the text was written; for later lines, the one that is nearest to the line before.
func (s *Syslog) Stamp(line string) (nanos int64, rest string, err error) {
	t, rest, ok := cutTimeStamp(line)
	if !ok {
		return 0, "", ErrStamp
	}
	nanos, err = s.stampUnixNanos(&t)
	if err != nil {
		return 0, "", err
	}
	s.Before = nanos / 1e9
	return nanos, rest, nil
}

func (s *Syslog) stampUnixNanos(t *stampParts) (nanos int64, err error) {
	var unix int64
	switch {
	case t.unixSeconds != "":
		unix, _ = ParseDigits(t.unixSeconds)
	case t.date[0] > '9':
		unix, err = s.monthNameUnix(t)
	default:
		unix, err = s.isoStampUnix(t)
	}
	if err != nil {
		return 0, err
	}
	fraction, _, _ := ParseFraction(t.fraction)
	return UnixNanos(unix, fraction)
}

func (s *Syslog) isoStampUnix(t *stampParts) (unix int64, err error) {
	local, ok := ParseCivil(t.date + " " + t.clock)
	offset, isOffset := ParseOffset(t.zone)
	switch {
	case !ok:
		return 0, ErrStamp
	case t.zone == "":
		return s.Unix(local, s.Before)
	case t.zone == "Z" || isOffset:
		return local - offset, nil
	case strings.IndexFunc(t.zone, func(r rune) bool { return r < 'A' || r > 'Z' && r < 'a' || r > 'z' }) >= 0:
		return 0, ErrStamp
	}
	return s.UnixOfAbbreviation(local, t.zone)
}

func (s *Syslog) monthNameUnix(t *stampParts) (unix int64, err error) {
	if t.year != "" {
		local, ok := ParseLocal("Jan _2 2006 15:04:05", t.date+" "+t.year+" "+t.clock)
		if !ok {
			return 0, ErrStamp
		}
		return s.Unix(local, s.Before)
	}
	// Without a year: "Nov  1" and "22:03:18".
	near := s.Before
	if near == 0 {
		if near = s.Written; near == 0 {
			return 0, ErrNoYear
		}
	}
	written, err := time.Parse("Jan _2 15:04:05", t.date+" "+t.clock)
	if err != nil {
		return 0, ErrStamp
	}
	local, found := s.nearestYear(written, near)
	if !found {
		return 0, ErrStamp
	}
	return s.Unix(local, s.Before)
}

// nearestYear gives a time without a year that of the text, or the one in which it is nearest to the line before.
func (s *Syslog) nearestYear(written time.Time, near int64) (local int64, found bool) {
	const year = 31556952 // seconds, on average
	around := time.Unix(near, 0).UTC().Year()
	hour, minute, second := written.Clock()
	for y := around + 1; y >= around-4; y-- { // the 29th of February is not in every year
		inYear := time.Date(y, written.Month(), written.Day(), hour, minute, second, 0, time.UTC)
		unix := inYear.Unix()
		if inYear.Day() != written.Day() || s.Before == 0 && unix > near+2*daySeconds {
			continue
		}
		if found && absoluteDifference(local, near) < absoluteDifference(unix, near) {
			break
		}
		if local, found = unix, true; s.Before == 0 {
			break
		}
	}
	return local, found && absoluteDifference(local, near) <= 5*year
}

func absoluteDifference(a, b int64) int64 { return max(a-b, b-a) }
