package push

import "github.com/otel-sessionlog/sessionlog/session"

// Trace is a W3C trace context.
type Trace struct {
	TraceID [16]byte
	SpanID  [8]byte
}

// CorrelationTraceparent is the evidence of trace ids that came in the traceparent of a request or of a CloudEvents envelope.
const CorrelationTraceparent = "traceparent"

// ParseTraceparent reads the header of that name. What it cannot read is no context.
func ParseTraceparent(s string) (t Trace, ok bool) {
	t.TraceID, t.SpanID, ok = session.ParseTraceparent(s)
	return t, ok
}
