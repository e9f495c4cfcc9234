package postgreslog

import (
	"errors"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// A server writes its log in the language of lc_messages. The texts of a login are not read in any but English; here they are
// recognised, so that none is skipped silently. What they have in common in all the catalogues of PostgreSQL 15 to 18
// (src/backend/po): "connection received" and "disconnection" end with the client's address and port, each after a sign of
// equality, and a refusal has letters or quotes that are not ASCII outside of the names that it quotes.
var errLocalized = errors.New("a message about a login that is not in English: set lc_messages = 'C' on the server, only then can its log be read")

// isLocalizedConnection recognises "connection received" and "disconnection" in other languages. host and port are the client's, empty
// and 0 where the line has none.
func isLocalizedConnection(message, host string, port int64) bool {
	rest, said, found := logformat.CutLast(message, "=")
	if !found {
		return false
	}
	said = strings.TrimLeft(said, " ") // Ukrainian has blanks around it
	if said == "[local]" {
		return host == "" || host == "[local]"
	}
	n, ok := localtime.ParseDigits(said)
	if !ok || said == "" || n > 65535 || port != 0 && n != port {
		return false
	}
	rest, word, found := logformat.CutLast(rest, " ")
	if word = strings.TrimRight(word, " "); word == "" && found { // the same
		rest, _, found = logformat.CutLast(rest, " ")
	}
	if !found {
		return false
	}
	_, address, found := logformat.CutLast(strings.TrimRight(rest, " "), "=")
	address = strings.TrimLeft(address, " ")
	if !found || address == "" || host != "" && host != address {
		return false
	}
	_, err := netip.ParseAddr(address)
	return host != "" || err == nil
}

func isLocalizedRefusal(message string) bool {
	first, _, _ := strings.Cut(message, "\n")
	// FATAL is the word in many languages.
	quoted := false
	for _, c := range first {
		if c == '"' {
			quoted = !quoted
		}
		if c >= utf8.RuneSelf && c != utf8.RuneError && !quoted {
			return true
		}
	}
	return false
}

func (f *stderrFormat) hasLocalizedSeverity(text string) bool {
	for at, n := 0, 0; n < maxUnprovenReadings; n++ {
		i := strings.Index(text[at:], ":  ")
		if i < 0 {
			return false
		}
		at += i
		word := len(strings.TrimRightFunc(text[:at], func(c rune) bool { return unicode.IsLetter(c) || unicode.IsMark(c) }))
		if word < at && f.matchesPrefix(text[:word], "") {
			return true
		}
		at += 3
	}
	return false
}

// cutSQLState removes the SQLSTATE that log_error_verbosity = verbose writes before a message.
func cutSQLState(severity Severity, message string) (state, rest string) {
	if severity == SeverityDetail || severity == SeverityMore || len(message) < 7 || message[5:7] != ": " {
		return "", message
	}
	state = message[:5]
	if prefixLengthOf(state, digitBytes+letterBytes[26:]) < 5 || !strings.ContainsAny(state, digitBytes) {
		return "", message
	}
	return state, message[7:]
}
