package push

import "encoding/hex"

// Trace is a W3C trace context.
type Trace struct {
	TraceID [16]byte
	SpanID  [8]byte
}

// Correlated is the evidence of trace ids that came in the traceparent of a request or of a CloudEvents envelope.
const Correlated = "traceparent"

// ParseTraceparent reads the header of that name (W3C Trace Context, level 1): 2 digits version, 32 trace id, 16 span id, 2 flags.
// A later version may have more behind the flags. What it cannot read is no context.
func ParseTraceparent(s string) (t Trace, ok bool) {
	if len(s) < 55 || s[2] != '-' || s[35] != '-' || s[52] != '-' || s[:2] == "ff" || len(s) > 55 && (s[:2] == "00" || s[55] != '-') {
		return Trace{}, false
	}
	var version, flags [1]byte
	ok = unhex(version[:], s[:2]) && unhex(t.TraceID[:], s[3:35]) && unhex(t.SpanID[:], s[36:52]) && unhex(flags[:], s[53:55])
	if !ok || t.TraceID == [16]byte{} || t.SpanID == [8]byte{} {
		return Trace{}, false
	}
	return t, true
}

// unhex takes lower-case digits only, as the specification does.
func unhex(to []byte, s string) bool {
	if len(s) != 2*len(to) {
		return false
	}
	for i := range len(s) {
		if s[i] >= 'A' && s[i] <= 'F' {
			return false
		}
	}
	var buf [32]byte
	_, err := hex.Decode(to, append(buf[:0], s...))
	return err == nil
}
