package localtime

import (
	"strings"
	"time"
)

// stampParts are the parts of a system log's time as they are written.
type stampParts struct {
	date, clock string // "2026-11-21" or "Nov 21", and "22:03:18"
	year        string // of a date with a month's name, "" where there is none
	fraction    string // with its dot
	zone        string // Z, +01:00 or CET
	unixSeconds string // whole seconds since 1970, instead of all but fraction
}

// cutTimeStamp removes a time from the beginning of a line. ok is false for an unknown form.
//
//	Nov 21 22:03:18[.123456]                  RFC 3164, journalctl -o short and short-precise
//	Nov 21 2026 22:03:18, Sat Nov 21 22:03:18 2026    the same with a year; OpenWrt's logread
//	2026-11-21T22:03:18[.123456][+01:00]      RFC 3339, journalctl -o short-iso; a blank for the T: macOS' log show
//	Sat 2026-11-21 22:03:18 CET               journalctl -o short-full and with-unit
//	1795298598.123456, [1795298598.123]       journalctl -o short-unix; OpenWrt's logread -t
func cutTimeStamp(line string) (s stampParts, rest string, ok bool) {
	switch {
	case len(line) > 4 && line[3] == ' ' && isWeekday(line[:3]):
		return cutWeekdayStamp(line[4:])
	case len(line) > 19 && line[4] == '-':
		s, rest, ok = cutISODate(line)
		if zone, after, found := strings.Cut(rest, " "); ok && found {
			s.zone = zone
			return s, after, true
		}
	case len(line) > 14 && monthNumber(line[:3]) != 0:
		s, rest, ok = cutNamedDate(line)
	case len(line) > 9:
		s, rest, ok = cutUnixStamp(line)
	}
	if after, found := strings.CutPrefix(rest, " "); ok && found {
		return s, after, true
	}
	return stampParts{}, "", false
}

func isWeekday(s string) bool {
	switch s {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
		return true
	}
	return false
}

func cutWeekdayStamp(line string) (s stampParts, rest string, ok bool) {
	if len(line) > 19 && line[4] == '-' {
		if s, rest, ok = cutISODate(line); !ok {
			return stampParts{}, "", false
		}
		zone, rest, found := strings.Cut(strings.TrimPrefix(rest, " "), " ")
		s.zone = zone
		return s, rest, found && zone != ""
	}
	if len(line) < 21 || monthNumber(line[:3]) == 0 {
		return stampParts{}, "", false
	}
	s, rest, ok = cutNamedDate(line)
	year, rest, found := strings.Cut(strings.TrimPrefix(rest, " "), " ")
	s.year = year
	_, isNumber := ParseDigits(year)
	return s, rest, ok && found && len(year) == 4 && isNumber
}

func cutISODate(line string) (s stampParts, rest string, ok bool) {
	if line[10] != ' ' && line[10] != 'T' || line[13] != ':' {
		return stampParts{}, "", false
	}
	s.date, s.clock = line[:10], line[11:19]
	s.fraction, rest, ok = cutFraction(line[19:])
	return s, rest, ok
}

func cutNamedDate(line string) (s stampParts, rest string, ok bool) {
	if line[3] != ' ' {
		return stampParts{}, "", false
	}
	day, rest, found := strings.Cut(strings.TrimPrefix(line[4:], " "), " ")
	if !found || day == "" || len(day) > 2 {
		return stampParts{}, "", false
	}
	s.date = line[:4+len(line[4:])-len(rest)-1]
	if len(rest) > 5 && rest[4] == ' ' {
		s.year, rest = rest[:4], rest[5:]
	}
	if len(rest) < 8 || rest[2] != ':' {
		return stampParts{}, "", false
	}
	s.clock = rest[:8]
	s.fraction, rest, ok = cutFraction(rest[8:])
	return s, rest, ok
}

func cutUnixStamp(line string) (s stampParts, rest string, ok bool) {
	inside, bracketed := strings.CutPrefix(line, "[")
	seconds, _, found := strings.Cut(inside, ".")
	if _, number := ParseDigits(seconds); !found || !number || len(seconds) < 9 {
		return stampParts{}, "", false
	}
	s.unixSeconds = seconds
	if s.fraction, rest, ok = cutFraction(inside[len(seconds):]); bracketed && ok {
		rest, ok = strings.CutPrefix(rest, "]")
	}
	return s, rest, ok
}

func cutFraction(s string) (fraction, rest string, ok bool) {
	_, rest, ok = ParseFraction(s)
	return s[:len(s)-len(rest)], rest, ok
}

// ParseLocal reads a time without a zone as seconds since 1970 of a clock without offset.
func ParseLocal(layout, text string) (seconds int64, ok bool) {
	t, err := time.Parse(layout, text)
	return t.Unix(), err == nil
}
