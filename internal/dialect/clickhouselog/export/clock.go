package export

import (
	"errors"
	"time"
)

var (
	errNoTime = errors.New("not a time that ClickHouse writes (YYYY-MM-DD hh:mm:ss[.ffffff], ISO 8601, or seconds since 1970)")
	errNoZone = errors.New("a time without zone, and nobody said which one")
	errNoHour = errors.New("a local time that the clocks of the zone skipped: is `timezone` really the server's?")
)

// clock reads times as ClickHouse writes them. Those without a zone are local times of the server (or of the setting
// session_timezone), which the export does not name.
type clock struct {
	zone *time.Location // nil: nobody said

	// Local seconds from lo up to hi are surely offset ahead of UTC: no clock change is near.
	lo, hi, offset int64

	doubtful int // local times that could mean two
}

// disorder is how far a row may stand behind the one before it although the table is in order: a server writes its log
// in batches of 7.5 seconds, which several threads fill.
const disorder = 60 * 1e6

// micros reads a time in microseconds since 1970 UTC. before is the time of the row before, 0 if there is none: when
// clocks go back, an hour of local times comes twice, and the earlier reading is taken that does not lie before it.
func (c *clock) micros(s string, before int64) (int64, error) {
	if len(s) < 19 || s[4] != '-' || s[7] != '-' {
		return epoch(s)
	}
	local, ok := civil(s)
	if !ok {
		return 0, errNoTime
	}
	fraction, rest, ok := fraction(s[19:])
	if !ok {
		return 0, errNoTime
	}
	if rest != "" {
		offset, ok := zoneOffset(rest)
		if !ok {
			return 0, errNoTime
		}
		return (local-offset)*1e6 + fraction, nil
	}
	if c.zone == nil {
		return 0, errNoZone
	}
	if local >= c.lo && local < c.hi {
		return (local-c.offset)*1e6 + fraction, nil
	}
	return c.resolve(local, fraction, before)
}

// resolve finds the readings of a local time, of which there are none, one or two.
func (c *clock) resolve(local, fraction, before int64) (int64, error) {
	const day = 24 * 3600 // no zone is further from UTC, and no zone changes twice within two days
	early, late := c.offsetAt(local-day), c.offsetAt(local+day)
	first, second := local-early, local-late
	isFirst, isSecond := c.offsetAt(first) == early, c.offsetAt(second) == late
	switch {
	case isFirst && isSecond && first == second:
		c.remember(first, early)
		return first*1e6 + fraction, nil
	case isFirst && isSecond:
		c.doubtful++
		if behind := before - disorder; first*1e6+fraction < behind && second*1e6+fraction >= behind {
			return second*1e6 + fraction, nil
		}
		return first*1e6 + fraction, nil
	case isFirst:
		return first*1e6 + fraction, nil
	case isSecond:
		return second*1e6 + fraction, nil
	}
	return 0, errNoHour
}

func (c *clock) offsetAt(unix int64) int64 {
	_, offset := time.Unix(unix, 0).In(c.zone).Zone()
	return int64(offset)
}

// remember notes how far from this moment local times are without doubt: up to a day before the next clock change.
func (c *clock) remember(unix, offset int64) {
	const day = 24 * 3600
	start, end := time.Unix(unix, 0).In(c.zone).ZoneBounds()
	c.lo, c.hi, c.offset = unix+offset, unix+offset+1, offset
	if start.IsZero() {
		c.lo = minTime
	} else if lo := start.Unix() + offset + day; lo < c.lo {
		c.lo = lo
	}
	if end.IsZero() {
		c.hi = maxTime
	} else if hi := end.Unix() + offset - day; hi > c.hi {
		c.hi = hi
	}
}

const (
	minTime = -1 << 40 // 34,000 years away, in seconds
	maxTime = 1 << 40
)

// civil reads "YYYY-MM-DD hh:mm:ss", with a space or a T between, as seconds since 1970 of a clock that never changed.
func civil(s string) (int64, bool) {
	if s[10] != ' ' && s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return 0, false
	}
	year, ok1 := digits(s[0:4])
	month, ok2 := digits(s[5:7])
	day, ok3 := digits(s[8:10])
	hour, ok4 := digits(s[11:13])
	minute, ok5 := digits(s[14:16])
	second, ok6 := digits(s[17:19])
	numbers := ok1 && ok2 && ok3 && ok4 && ok5 && ok6
	if !numbers || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	return (daysSince1970(year, month, day)*24+hour)*3600 + minute*60 + second, true
}

func digits(s string) (n int64, ok bool) {
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + int64(d)
	}
	return n, true
}

func leap(year int64) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

func daysIn(year, month int64) int64 {
	if month == 2 && leap(year) {
		return 29
	}
	return [13]int64{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month]
}

var daysBefore = [13]int64{0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334}

func daysSince1970(year, month, day int64) int64 {
	past := year - 1 // whole years of the Gregorian calendar since year 1
	days := past*365 + past/4 - past/100 + past/400 + daysBefore[month] + day - 1
	if month > 2 && leap(year) {
		days++
	}
	return days - 719162 // 1970-01-01
}

// fraction reads ".ffffff" of any length up to 9 as microseconds, cutting what is finer, and gives what follows it.
func fraction(s string) (micros int64, rest string, ok bool) {
	if s == "" || s[0] != '.' {
		return 0, s, true
	}
	n := 1
	for n < len(s) && s[n]-'0' <= 9 {
		if n <= 6 {
			micros = micros*10 + int64(s[n]-'0')
		}
		n++
	}
	if n == 1 || n > 10 {
		return 0, s, false
	}
	for i := n; i <= 6; i++ {
		micros *= 10
	}
	return micros, s[n:], true
}

// zoneOffset reads Z, +hh:mm, +hhmm or +hh.
func zoneOffset(s string) (seconds int64, ok bool) {
	if s == "Z" {
		return 0, true
	}
	if len(s) < 3 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	sign := int64(1)
	if s[0] == '-' {
		sign = -1
	}
	hours, ok := digits(s[1:3])
	rest := s[3:]
	if len(rest) == 3 && rest[0] == ':' {
		rest = rest[1:]
	}
	minutes, ok2 := digits(rest)
	if !ok || !ok2 || hours > 15 || minutes > 59 || len(rest) != 2 && rest != "" {
		return 0, false
	}
	return sign * (hours*3600 + minutes*60), true
}

// epoch reads seconds since 1970 with a fraction, as date_time_output_format='unix_timestamp' writes them. A whole number
// too large for seconds is what toUnixTimestamp64Micro gives.
func epoch(s string) (int64, error) {
	whole := 0
	for whole < len(s) && s[whole]-'0' <= 9 {
		whole++
	}
	micros, rest, ok := fraction(s[whole:])
	if !ok || rest != "" || whole == 0 || whole > 17 {
		return 0, errNoTime
	}
	n, _ := digits(s[:whole])
	if whole == len(s) && n >= 1e13 {
		return n, nil
	}
	if n >= 1e11 {
		return 0, errNoTime
	}
	return n*1e6 + micros, nil
}
