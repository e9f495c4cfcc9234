package query

import (
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

const succeeded = session.OutcomeSuccess

// where names the system and the instance in a sentence.
func (a account) where() string {
	var b strings.Builder
	for _, w := range []word{a.system, a.instance} {
		if !w.Absent && w.Text != "" {
			b.WriteString(" " + w.quoted())
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return " to" + b.String()
}

func dayOf(ns int64) string { return time.Unix(0, ns).UTC().Format(time.DateOnly) }

func momentOf(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05 UTC") }
