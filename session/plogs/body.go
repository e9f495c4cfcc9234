package plogs

import (
	"strconv"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

// maxBodyValue bounds one value within the body: the attribute has it whole.
const maxBodyValue = 256

// appendBody writes the one line for people. Nothing is in it that is not an attribute, and nothing that a terminal would
// obey: control and bidirectional characters are escaped.
func appendBody(b []byte, e *session.Event) []byte {
	b = append(b, verb(e)...)
	if e.User != "" || e.UserEmpty {
		b = appendValue(b, " user=", e.User)
	}
	if e.ClientAddress != "" {
		b = appendValue(b, " client=", e.ClientAddress)
		if e.ClientPort != 0 {
			b = strconv.AppendInt(append(b, " port="...), int64(e.ClientPort), 10)
		}
	}
	if e.Interface != "" {
		b = appendValue(b, " interface=", e.Interface)
	}
	if e.AuthMethod != "" {
		b = appendValue(b, " method=", e.AuthMethod)
	}
	if e.ErrorType != "" {
		b = appendValue(b, " error=", e.ErrorType)
	}
	if e.Duration != 0 {
		b = append(b, " duration="...)
		b = append(b, time.Duration(e.Duration).String()...)
	}
	return b
}

func verb(e *session.Event) string {
	switch e.Kind {
	case session.KindLogin:
		switch e.Outcome {
		case session.OutcomeSuccess:
			return "login succeeded:"
		case session.OutcomeFailure:
			return "login failed:"
		}
		return "login:"
	case session.KindLogout:
		return "logout:"
	case session.KindSessionStart:
		return "session started:"
	case session.KindSessionUpdate:
		return "session updated:"
	}
	return "event:"
}

func appendValue(b []byte, label, s string) []byte {
	b = append(b, label...)
	cut := len(s) > maxBodyValue
	if cut {
		s = s[:maxBodyValue]
	}
	if plain(s) {
		b = append(b, s...)
	} else {
		b = strconv.AppendQuote(b, s)
	}
	if cut {
		b = append(b, "…"...)
	}
	return b
}

// plain tells whether a value needs no quotes: printable ASCII without spaces and quotes.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}

// AppendLine appends the one line for people that [Encoder.Encode] puts into the body. It is safe to print: it says
// nothing of a foreign record's own body.
func AppendLine(b []byte, e *session.Event) []byte { return appendBody(b, e) }
