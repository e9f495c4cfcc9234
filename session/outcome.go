package session

import (
	"slices"
	"strings"
)

// OutcomeOf reads an outcome in the words that senders use for it: success, FAILURE, Succeeded, "access denied", LoginFailed, allow, true. A
// word that it does not know is unknown. [ParseOutcome] reads what this project has written itself.
func OutcomeOf(text string) Outcome {
	switch text {
	case "success":
		return OutcomeSuccess
	case "failure":
		return OutcomeFailure
	}
	// A word of success is taken back by any negation before it ("not yet allowed"), a word of failure only by the one right before it:
	// "user not found, access denied" is a failure.
	outcome, negated, afterNegation, words := OutcomeUnknown, false, false, 0
	for rest := text; rest != ""; {
		var buf [longestWord]byte
		var word []byte
		if word, rest = nextWord(buf[:0], rest); len(word) == 0 {
			continue
		}
		if words++; words > mostWords {
			return OutcomeUnknown
		}
		if isNegation(word) && containsLetters(rest) {
			negated, afterNegation = true, true
			continue
		}
		switch wordOutcome(string(word)) {
		case OutcomeFailure:
			if !afterNegation {
				return OutcomeFailure // also beside a word of success, as in "success: false"
			}
			outcome = OutcomeSuccess
		case OutcomeSuccess:
			if negated {
				return OutcomeFailure
			}
			outcome = OutcomeSuccess
		}
		afterNegation = false
	}
	return outcome
}

const (
	longestWord = 24
	mostWords   = 6 // an outcome is no sentence
)

func nextWord(word []byte, text string) (_ []byte, rest string) {
	// Letters up to another character, or to a capital after a small letter.
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= 'A' && c <= 'Z':
			if i > 0 && text[i-1] >= 'a' && text[i-1] <= 'z' {
				return word, text[i:]
			}
			c += 'a' - 'A'
		case c < 'a' || c > 'z':
			return word, text[i+1:]
		}
		if len(word) < longestWord {
			word = append(word, c)
		}
	}
	return word, ""
}

func containsLetters(text string) bool {
	for i := range len(text) {
		if c := text[i] | 0x20; c >= 'a' && c <= 'z' {
			return true
		}
	}
	return false
}

func isNegation(word []byte) bool {
	switch string(word) {
	case "no", "not", "without", "non":
		return true
	}
	return false
}

func wordOutcome(word string) Outcome {
	switch word {
	case "success", "successes", "succeeded", "succeed", "succeeds", "successful", "successfully", "ok", "okay", "pass", "passed", "allow", "allowed",
		"permit", "permitted", "grant", "granted", "accept", "accepted", "approve", "approved", "authenticated", "authorized", "authorised", "true", "yes", "valid", "verified":
		return OutcomeSuccess
	case "failure", "failures", "failed", "fail", "fails", "failing", "error", "errors", "err", "errored", "deny", "denied", "denial", "reject", "rejected", "refuse",
		"refused", "block", "blocked", "forbid", "forbidden", "disallow", "disallowed", "unsuccessful", "unauthorized", "unauthorised", "unauthenticated", "invalid",
		"incorrect", "wrong", "locked", "disabled", "expired", "revoked", "timeout", "aborted", "false", "no",
		"declined", "cancelled", "canceled", "lockout", "suspended", "banned", "prohibited", "prevented", "unverified", "bad", "mismatch", "interrupted", "nok", "timed", "timedout":
		return OutcomeFailure
	}
	return OutcomeUnknown
}

// ImpliedOutcome is what an event that bears no outcome says by the rest of it: ECS has its own attribute for one, error.type and a reason of
// failure are on failures only, and a session that ended or started has done so.
func (e *Event) ImpliedOutcome() Outcome {
	for i := range e.Extra {
		if a := &e.Extra[i]; a.Key == AttrECSOutcome && OutcomeOf(a.Value) != OutcomeUnknown {
			return OutcomeOf(a.Value)
		}
	}
	switch {
	case e.ErrorType != "" || e.FailureReason != "":
		return OutcomeFailure
	case e.Kind == KindLogout || e.Kind == KindSessionStart:
		return OutcomeSuccess
	}
	return OutcomeUnknown
}

// besideLogins are parts of event.action: auditd's, then those of Windows.
var besideLogins = []string{
	"acquired-credentials", "refreshed-credentials", "disposed-credentials", "was-authorized", "changed-login-id",
	"service-ticket", "logged-in-explicit", "session-reconnected", "session-disconnected",
}

// IsBesideLogin tells whether an action, as ECS names it, goes with a login or a session that has a record of its own: credentials that are
// fetched, a Kerberos ticket for a service, a session that is left and taken up again.
func IsBesideLogin(action string) bool {
	action = strings.ToLower(action)
	return slices.ContainsFunc(besideLogins, func(part string) bool { return strings.Contains(action, part) })
}
