package query

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

// identityWriter is the part of a Store that writes ids.
type identityWriter interface {
	Identity(f *session.Field, id []byte) string
}

// AmongRecords is the condition for rows that have one of some ids.
func AmongRecords(s identityWriter, ids []session.ID) string {
	var b strings.Builder
	b.WriteString("record_id IN (")
	f := MustFieldOf("record_id")
	for i := range ids {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(s.Identity(f, ids[i][:]))
	}
	b.WriteByte(')')
	return b.String()
}
