package localtime

import (
	"regexp"
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

const (
	weekdayForm = `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) `
	namedForm   = `(?P<date>(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]?\d) `
	clockForm   = `(?P<clock>\d\d:\d\d:\d\d)(?P<fraction>[.,]\d{1,9})?`
)

var stampForms = [...]*regexp.Regexp{
	// Nov 21 22:03:18[.123456]: RFC 3164, journalctl -o short and short-precise. Nov 21 2026 22:03:18: the same with a year
	regexp.MustCompile(`^` + namedForm + `(?:(?P<year>\d{4}) )?` + clockForm + ` `),
	// 2026-11-21T22:03:18[.123456][+01:00]: RFC 3339, journalctl -o short-iso. A blank for the T: macOS' log show
	regexp.MustCompile(`^(?P<date>\d{4}-\d\d-\d\d)[ T]` + clockForm + `(?P<zone>[^ ]*) `),
	// Sat Nov 21 22:03:18 2026: OpenWrt's logread
	regexp.MustCompile(`^` + weekdayForm + namedForm + clockForm + ` (?P<year>\d{4}) `),
	// Sat 2026-11-21 22:03:18 CET: journalctl -o short-full and with-unit
	regexp.MustCompile(`^` + weekdayForm + `(?P<date>\d{4}-\d\d-\d\d) ` + clockForm + ` (?P<zone>[^ ]+) `),
	// 1795298598.123456: journalctl -o short-unix. [1795298598.123]: OpenWrt's logread -t
	regexp.MustCompile(`^\[?(?P<unix>\d{9,18})(?P<fraction>\.\d{1,9})\]? `),
}

// cutTimeStamp removes a time from the beginning of a line. ok is false for an unknown form.
func cutTimeStamp(line string) (s stampParts, rest string, ok bool) {
	for _, form := range stampForms {
		match := form.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		for i, group := range form.SubexpNames() {
			switch group {
			case "date":
				s.date = match[i]
			case "clock":
				s.clock = match[i]
			case "year":
				s.year = match[i]
			case "fraction":
				s.fraction = match[i]
			case "zone":
				s.zone = match[i]
			case "unix":
				s.unixSeconds = match[i]
			}
		}
		return s, line[len(match[0]):], true
	}
	return stampParts{}, "", false
}

// ParseLocal reads a time without a zone as seconds since 1970 of a clock without offset.
func ParseLocal(layout, text string) (seconds int64, ok bool) {
	t, err := time.Parse(layout, text)
	return t.Unix(), err == nil
}
