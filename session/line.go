package session

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxLineValue bounds one value within the line: its field has it whole.
const maxLineValue = 256

// AppendLine appends the one line for people that is the body of our log records. Nothing is in it that is not an attribute,
// and nothing that a terminal would obey: control and bidirectional characters are escaped. It says nothing of a foreign
// record's own body.
func (e *Event) AppendLine(b []byte) []byte {
	b = append(b, e.lineVerb()...)
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

func (e *Event) lineVerb() string {
	switch e.Kind {
	case KindLogin:
		switch e.Outcome {
		case OutcomeSuccess:
			return "login succeeded:"
		case OutcomeFailure:
			return "login failed:"
		}
		return "login:"
	case KindLogout:
		return "logout:"
	case KindSessionStart:
		return "session started:"
	case KindSessionUpdate:
		return "session updated:"
	}
	return "event:"
}

// lineVerbs are all that a line may begin with.
var lineVerbs = func() (all []string) {
	for kind := range KindSessionUpdate + 1 {
		for outcome := range OutcomeFailure + 1 {
			all = append(all, (&Event{Kind: kind, Outcome: outcome}).lineVerb())
		}
	}
	return all
}()

// lineLabels precede the values of a line, in this order.
var lineLabels = []string{" user=", " client=", " port=", " interface=", " method=", " error=", " duration="}

// IsLine reports whether a body is a line that [Event.AppendLine] made, of this event or of one that was changed on its way, or the beginning of
// one: what is made of the fields need not be kept, and must not be where a field was taken away. What a sender wrote after the same words
// is not a line.
func (e *Event) IsLine(body string) bool {
	return body == "" || slices.ContainsFunc(lineVerbs, func(verb string) bool {
		rest, ok := strings.CutPrefix(body, verb)
		return ok && isLineOfValues(rest)
	})
}

func isLineOfValues(rest string) bool {
	for _, label := range lineLabels {
		if value, ok := strings.CutPrefix(rest, label); ok {
			if rest, ok = afterValue(value); !ok {
				return true // it was cut off within its quotes
			}
		} else if strings.HasPrefix(label, rest) {
			return true // the end, or cut off
		}
	}
	return rest == ""
}

func afterValue(s string) (rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		if end := strings.IndexByte(s, ' '); end >= 0 {
			return s[end:], true
		}
		return "", true
	}
	quoted, err := strconv.QuotedPrefix(s)
	return strings.TrimPrefix(s[len(quoted):], "…"), err == nil
}

func appendValue(b []byte, label, s string) []byte {
	b = append(b, label...)
	cut := len(s) > maxLineValue
	if cut {
		s = s[:maxLineValue]
	}
	if needsNoQuotes(s) {
		b = append(b, s...)
	} else {
		b = strconv.AppendQuote(b, s)
	}
	if cut {
		b = append(b, "…"...)
	}
	return b
}

func needsNoQuotes(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}
