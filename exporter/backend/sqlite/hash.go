package sqlite

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/otel-sessionlog/sessionlog/session"
)

// contentHash tells versions of one record apart: it takes in the fields that Event.SameContent compares and nothing else. It is only
// asked for where two versions differ, which is rare, so it is written for brevity.
func contentHash(e *session.Event) [sha256.Size]byte {
	var s session.Event // a fresh one: its slices are nil where they are empty
	e.CopyTo(&s)
	s.Observed, s.TraceID, s.SpanID, s.Correlation = 0, [16]byte{}, [8]byte{}, ""
	slices.SortFunc(s.Extra, func(a, b session.Attr) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Type, b.Type))
	})
	return sha256.Sum256(fmt.Appendf(nil, "%#v", s)) // Go syntax: every text quoted, bytes that are no UTF-8 as \x
}
