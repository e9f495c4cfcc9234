package clickhouselog

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

// CorrelationQueryLog names the evidence that a query of the session, found in system.query_log by node, address, port,
// interface, user and time, ran under the trace context that system.opentelemetry_span_log has.
const CorrelationQueryLog = "query_log"

// Trace is a trace context: of a query, or claimed.
type Trace struct {
	ID   [16]byte
	Span [8]byte
}

// Correlate makes e bear a trace that is proved by the server's own logs.
func (t Trace) Correlate(e *session.Event) {
	e.TraceID, e.SpanID, e.Correlation = t.ID, t.Span, CorrelationQueryLog
}

// Update fills e with what became known of a login, r, after its record was emitted. Its id is that of the login's record and the
// kind of evidence alone: whoever finds a trace of this login again makes the same record.
func (m *Mapper) Update(r *Row, t Trace, e *session.Event) {
	m.Event(r, e)
	uid := e.RecordID
	e.Kind, e.Outcome, e.SourceEvent = session.KindSessionUpdate, session.OutcomeSuccess, session.TraceCorrelated
	t.Correlate(e)
	e.Extra = append(e.Extra[:0], session.Attr{Key: session.AttrLoginUID, Value: uid.String()})
	e.RecordID = m.hash.Start("correlation", session.SystemClickHouse, m.instance).Bytes(uid[:]).Str(CorrelationQueryLog).RecordID(e.Time)
}

// traceparentLength is the length of a W3C traceparent of version 00: 00-<32 hex>-<16 hex>-<2 hex>.
const traceparentLength = 55

// SetClaimedTrace makes e bear the traceparent that the client has put into its own name, if it bears no better one. Nothing vouches
// for it, and e says so.
func SetClaimedTrace(e *session.Event) {
	if e.TraceID != ([16]byte{}) || len(e.ClientName) < traceparentLength {
		return
	}
	if t, ok := findOnlyTraceParent(e.ClientName); ok {
		e.TraceID, e.SpanID, e.Correlation = t.ID, t.Span, session.CorrelationClaimed
	}
}

func findOnlyTraceParent(s string) (found Trace, ok bool) {
	for at := 0; at+traceparentLength <= len(s); at++ {
		next := strings.Index(s[at:], "00-")
		if next < 0 {
			break
		}
		at += next
		if at > 0 && isWordByte(s[at-1]) || at+traceparentLength > len(s) || at+traceparentLength < len(s) && isWordByte(s[at+traceparentLength]) {
			continue
		}
		var t Trace
		var valid bool
		if t.ID, t.Span, valid = session.ParseTraceparent(s[at : at+traceparentLength]); !valid {
			continue
		}
		if ok && t != found {
			return Trace{}, false
		}
		found, ok = t, true
	}
	return found, ok
}

func isWordByte(c byte) bool {
	return c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
