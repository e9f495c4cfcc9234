// Package localtime converts the local times of logs to UTC. Most logs write the clock of their server without its
// offset from UTC, at best with an abbreviation that many zones share.
package localtime

import (
	"errors"
	"time"
	_ "time/tzdata" // small containers and Windows have no zones of their own
)

// Errors of a [Clock]. None holds the text that was read.
var (
	ErrNoZone   = errors.New("a local time, and its zone is not known")
	ErrSkipped  = errors.New("a local time that the clocks of the zone skipped: is `timezone` really the server's?")
	ErrRange    = errors.New("a time before 1678 or after 2261: events keep nanoseconds in 64 bits, which have no other years")
	ErrMismatch = errors.New("a zone abbreviation that the zone of `timezone` does not use at that time: is it really the server's log_timezone?")
)

// MaxDisorderSeconds is by how many seconds a line may be earlier than the one before it: processes write
// concurrently.
const MaxDisorderSeconds = 60

const daySeconds = 24 * 3600

// UnixNanos returns nanoseconds since 1970 UTC from seconds and the nanoseconds beyond them. Without the check, a
// forged or torn year would overflow into another century.
func UnixNanos(unix, fraction int64) (int64, error) {
	const most = 9_214_646_400 // 2262-01-01
	if unix < -most || unix >= most {
		return 0, ErrRange
	}
	return unix*1e9 + fraction, nil
}

// Clock reads the local times of one zone. It is not safe for concurrent use.
type Clock struct {
	zone *time.Location // nil: unknown

	// The offset and abbreviation of local seconds from localFrom up to localTo, without a clock change near them, so that
	// the zone is not asked for each line.
	localFrom, localTo, offset int64
	abbreviation               string

	ambiguous int
}

// New makes a clock of this zone; with nil, only times that name UTC or an offset can be read.
func New(zone *time.Location) Clock { return Clock{zone: zone} }

// AmbiguousTimes counts the times so far that could mean two moments.
func (c *Clock) AmbiguousTimes() int { return c.ambiguous }

// Unix returns the moment, in seconds since 1970 UTC, of a time without a zone. local is the result of [ParseCivil].
// before is the moment of the line before, 0 if there is none: when clocks go back, an hour of local times comes
// twice, and the earlier moment that is not before it is taken.
func (c *Clock) Unix(local, before int64) (int64, error) {
	switch {
	case local >= c.localFrom && local < c.localTo:
		return local - c.offset, nil
	case c.zone == nil:
		return 0, ErrNoZone
	}
	first, second, n := c.possibleMoments(local)
	switch n {
	case 0:
		return 0, ErrSkipped
	case 1:
		return first, nil
	}
	c.ambiguous++
	if behind := before - MaxDisorderSeconds; first < behind && second >= behind {
		return second, nil
	}
	return first, nil
}

// UnixOfAbbreviation returns the moment of a time with a zone's abbreviation: UTC, GMT, +03 and -0330 mean the same everywhere;
// CET or MSK only in a known zone, where they also distinguish the two moments of a doubled hour.
func (c *Clock) UnixOfAbbreviation(local int64, abbr string) (int64, error) {
	if abbr == c.abbreviation && local >= c.localFrom && local < c.localTo {
		return local - c.offset, nil
	}
	if abbr == "UTC" || abbr == "GMT" {
		return local, nil
	}
	if offset, ok := ParseOffset(abbr); ok {
		return local - offset, nil
	}
	if c.zone == nil {
		return 0, ErrNoZone
	}
	first, second, n := c.possibleMoments(local)
	switch {
	case n > 0 && c.abbreviationAt(first) == abbr:
		return first, nil
	case n > 1 && c.abbreviationAt(second) == abbr:
		return second, nil
	case n == 0:
		return 0, ErrSkipped
	}
	return 0, ErrMismatch
}

// possibleMoments returns how many moments (0, 1 or 2) a local time can mean, in order.
func (c *Clock) possibleMoments(local int64) (first, second int64, n int) {
	// No zone is a day from UTC, and none changes twice within two days.
	early, late := c.zoneOffsetAt(local-daySeconds), c.zoneOffsetAt(local+daySeconds)
	first, second = local-early, local-late
	isFirst, isSecond := c.zoneOffsetAt(first) == early, c.zoneOffsetAt(second) == late
	switch {
	case isFirst && isSecond && first == second:
		c.cacheOffset(first, early)
		return first, first, 1
	case isFirst && isSecond:
		return min(first, second), max(first, second), 2
	case isFirst:
		return first, first, 1
	case isSecond:
		return second, second, 1
	}
	return 0, 0, 0
}

func (c *Clock) zoneOffsetAt(unix int64) int64 {
	_, offset := time.Unix(unix, 0).In(c.zone).Zone()
	return int64(offset)
}

func (c *Clock) abbreviationAt(unix int64) string {
	name, _ := time.Unix(unix, 0).In(c.zone).Zone()
	return name
}

func (c *Clock) cacheOffset(unix, offset int64) {
	const ages = 1 << 40 // 34,000 years, in seconds
	start, end := time.Unix(unix, 0).In(c.zone).ZoneBounds()
	c.localFrom, c.localTo, c.offset, c.abbreviation = unix+offset, unix+offset+1, offset, c.abbreviationAt(unix)
	if start.IsZero() {
		c.localFrom = -ages
	} else {
		c.localFrom = min(c.localFrom, start.Unix()+offset+daySeconds)
	}
	if end.IsZero() {
		c.localTo = ages
	} else {
		c.localTo = max(c.localTo, end.Unix()+offset-daySeconds)
	}
}

// ParseOffset reads +hh, +hhmm or +hh:mm, the abbreviations of zones without a name.
func ParseOffset(s string) (seconds int64, ok bool) {
	if len(s) < 3 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hours, ok := ParseDigits(s[1:3])
	rest := s[3:]
	if len(rest) == 3 && rest[0] == ':' {
		rest = rest[1:]
	}
	minutes, ok2 := ParseDigits(rest)
	if !ok || !ok2 || hours > 15 || minutes > 59 || len(rest) != 0 && len(rest) != 2 {
		return 0, false
	}
	seconds = hours*3600 + minutes*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}
