package deadletter

import (
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
)

// lineEnvelope is the part that all lines of one Write share: everything up to the record.
type lineEnvelope []byte

// maxReason is how much of a reason is kept: it is in every line, and an exporter may have put a whole batch into it.
const maxReason = 4 << 10

func newEnvelope(now time.Time, component string, reason error) lineEnvelope {
	text := "no reason given"
	if reason != nil {
		text = reason.Error()
	}
	text = strings.ToValidUTF8(text[:min(len(text), maxReason)], "\uFFFD")
	// By hand, since encoding/json would rewrite the record's own JSON too.
	head := lineEnvelope(`{"time":"` + now.Format(time.RFC3339Nano) + `","component":`)
	head = appendString(head, component)
	head = append(head, `,"reason":`...)
	head = appendString(head, text)
	return append(head, `,"record":`...)
}

func appendString(b []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil { // no string makes json.Marshal fail
		return strconv.AppendQuoteToASCII(b, s)
	}
	return append(b, quoted...)
}

func (e lineEnvelope) encodeLine(one plog.Logs) ([]byte, error) {
	record, err := (&plog.JSONMarshaler{}).MarshalLogs(one)
	if err != nil {
		return nil, fmt.Errorf("writing a record as JSON: %w", err)
	}
	line := make([]byte, 0, len(e)+len(record)+2)
	line = append(append(line, e...), record...)
	return append(line, '}', '\n'), nil
}

// eachRecord yields every record alone with its resource and scope. The yielded value is used again for the next.
func eachRecord(logs plog.Logs) iter.Seq[plog.Logs] {
	return func(yield func(plog.Logs) bool) {
		for _, resource := range logs.ResourceLogs().All() {
			for _, scope := range resource.ScopeLogs().All() {
				one := plog.NewLogs()
				r := one.ResourceLogs().AppendEmpty()
				resource.Resource().CopyTo(r.Resource())
				r.SetSchemaUrl(resource.SchemaUrl())
				s := r.ScopeLogs().AppendEmpty()
				scope.Scope().CopyTo(s.Scope())
				s.SetSchemaUrl(scope.SchemaUrl())
				slot := s.LogRecords().AppendEmpty()
				for _, record := range scope.LogRecords().All() {
					record.CopyTo(slot)
					if !yield(one) {
						return
					}
				}
			}
		}
	}
}
