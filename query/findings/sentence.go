package findings

import (
	"fmt"
	"strings"
	"time"
)

// placeText names the system and the instance in a sentence.
func (a userAccount) placeText() string {
	var b strings.Builder
	for _, w := range []fieldValue{a.system, a.instance} {
		if !w.Absent && w.Text != "" {
			b.WriteString(" " + w.quotedText())
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return " to" + b.String()
}

func dayOf(ns int64) string { return time.Unix(0, ns).UTC().Format(time.DateOnly) }

func momentOf(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05 UTC") }

// durationText rounds up to whole days, hours, minutes or seconds: to the largest of which there are two or more.
func durationText(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		noun   string
	}{{oneDay, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if d >= 2*unit.length || d == unit.length {
			return formatCount(int((d+unit.length-1)/unit.length), unit.noun)
		}
	}
	return formatCount(max(int((d+time.Second-1)/time.Second), 1), "second")
}

func formatCount(n int, noun string) string {
	if n == 1 {
		return "one " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
