package plogs

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

// maxEventName: longer names are not parsed.
const maxEventName = 64

// parseForeignName reads foreign event names of logins and logouts: user.login, user.login.failure, UserLoggedIn, auth.sign_out,
// authentication.success. It must begin with a word for identity: a bare "login" may be anything.
func parseForeignName(name string) (session.Kind, session.Outcome) {
	var buf [maxEventName]byte
	words, ok := appendDotted(buf[:0], name)
	if !ok {
		return session.KindUnknown, session.OutcomeUnknown
	}
	for _, prefix := range [...]string{"user.", "enduser.", "auth.", "authn.", "authentication.", "account.", "identity."} {
		if rest, found := cutPrefix(words, prefix); found {
			if prefix == "authentication." {
				if outcome, known := parseOutcomeWord(rest); known {
					return session.KindLogin, outcome
				}
			}
			return parseLoginVerb(rest)
		}
	}
	return session.KindUnknown, session.OutcomeUnknown
}

// parseForeignAction reads the same words without a prefix, where their key is about identity: LOGIN of audit.action, logged-out of event.action.
func parseForeignAction(action string) (session.Kind, session.Outcome) {
	if kind, outcome := parseForeignName(action); kind != session.KindUnknown {
		return kind, outcome
	}
	var buf [maxEventName]byte
	words, ok := appendDotted(buf[:0], action)
	if !ok {
		return session.KindUnknown, session.OutcomeUnknown
	}
	return parseLoginVerb(words)
}

// loginVerbs: a longer one comes before its own prefix.
var loginVerbs = []struct {
	words   string
	kind    session.Kind
	outcome session.Outcome // that the verb itself says
}{
	{"logged.in", session.KindLogin, session.OutcomeSuccess},
	{"signed.in", session.KindLogin, session.OutcomeSuccess},
	{"logged.out", session.KindLogout, session.OutcomeSuccess},
	{"signed.out", session.KindLogout, session.OutcomeSuccess},
	{"logged.off", session.KindLogout, session.OutcomeSuccess},
	{"login", session.KindLogin, session.OutcomeUnknown},
	{"log.in", session.KindLogin, session.OutcomeUnknown},
	{"logon", session.KindLogin, session.OutcomeUnknown},
	{"signin", session.KindLogin, session.OutcomeUnknown},
	{"sign.in", session.KindLogin, session.OutcomeUnknown},
	{"logout", session.KindLogout, session.OutcomeUnknown},
	{"log.out", session.KindLogout, session.OutcomeUnknown},
	{"logoff", session.KindLogout, session.OutcomeUnknown},
	{"signout", session.KindLogout, session.OutcomeUnknown},
	{"sign.out", session.KindLogout, session.OutcomeUnknown},
}

func parseLoginVerb(words []byte) (session.Kind, session.Outcome) {
	for i := range loginVerbs {
		rest, found := cutPrefix(words, loginVerbs[i].words)
		if !found {
			continue
		}
		if len(rest) == 0 {
			return loginVerbs[i].kind, loginVerbs[i].outcome
		}
		if rest[0] == '.' {
			if outcome, known := parseOutcomeWord(rest[1:]); known {
				return loginVerbs[i].kind, outcome
			}
		}
	}
	return session.KindUnknown, session.OutcomeUnknown
}

func parseOutcomeWord(words []byte) (o session.Outcome, known bool) {
	switch string(words) {
	case "success", "succeeded", "successful", "ok":
		return session.OutcomeSuccess, true
	case "failure", "failed", "fail", "error", "denied", "rejected":
		return session.OutcomeFailure, true
	case "attempt", "attempted":
		return session.OutcomeUnknown, true
	}
	return session.OutcomeUnknown, false
}

func cutPrefix(words []byte, prefix string) (rest []byte, found bool) {
	if len(words) < len(prefix) || string(words[:len(prefix)]) != prefix {
		return words, false
	}
	return words[len(prefix):], true
}

// appendDotted appends a name in lower case with dots between its words: UserLoginFailed, USER_LOGIN, user-login.
func appendDotted(b []byte, name string) ([]byte, bool) {
	if name == "" || len(name) > maxEventName/2 {
		return b, false
	}
	lower := false
	for i := range len(name) {
		c := name[i]
		switch {
		case strings.IndexByte("_- /:", c) >= 0:
			c = '.'
		case c >= 'A' && c <= 'Z':
			if lower {
				b = append(b, '.')
			}
			c += 'a' - 'A'
		}
		lower = name[i] >= 'a' && name[i] <= 'z'
		b = append(b, c)
	}
	return b, true
}
