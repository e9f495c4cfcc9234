package verify

import (
	"strconv"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
)

func (w *logWalk) readStatements(s *sealquery.StoredSeal, sealed time.Time) {
	for text := range strings.Lines(s.Texts) {
		verb, rest, _ := strings.Cut(strings.TrimSuffix(text, "\n"), " ")
		switch verb {
		case "begin":
			if at, err := time.Parse("after "+time.RFC3339Nano, rest); err == nil {
				w.log.beganAfter = at.UnixNano()
			}
			w.ends = strings.HasPrefix(rest, "beside ")
		case "adopted", "forgot":
			w.ends = true
		case "retention":
			ttl, _ := time.ParseDuration(rest) // "unlimited" is 0
			w.log.retentions = append(w.log.retentions, retention{sealed, ttl})
		case "pruned":
			if page, err := strconv.ParseUint(rest, 10, 63); err == nil {
				w.pruned = page
			}
		case "alarm":
			w.bad = append(w.bad, Finding{Kind: KindAlarm, Log: s.Log, Sealed: sealed, Detail: rest})
		}
	}
}

// mayHaveExpired tells whether an event of this time may have been deleted by a retention that was in force.
func (l *logHistory) mayHaveExpired(event, now time.Time) bool {
	for i, r := range l.retentions {
		until := now
		if i+1 < len(l.retentions) {
			until = l.retentions[i+1].from
		}
		if r.ttl > 0 && event.Before(until.Add(-r.ttl)) {
			return true
		}
	}
	return false
}
