package sessionlogreceiver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

// redactor hides the user names of failed logins, which may be passwords typed into the wrong field. Ids are computed by the source,
// never from the name alone, and stay as they are.
type redactor struct {
	mode string
	key  []byte
}

// redacted stands where a name was.
const redacted = "[redacted]"

func newRedactor(config RedactConfig) redactor {
	return redactor{mode: config.UserOnFailure, key: []byte(config.Key)}
}

// page returns the page itself where nothing is to be hidden, else a copy: the source may tell its own page again.
func (r redactor) page(page []session.Event) []session.Event {
	if r.mode == RedactKeep {
		return page
	}
	own := page
	for i := range page {
		if page[i].Outcome != session.OutcomeFailure || page[i].User == "" {
			continue
		}
		if &own[0] == &page[0] {
			own = slices.Clone(page)
		}
		r.event(&own[i])
	}
	return own
}

// event hides the name of one event, whose Extra is shared with the source's.
func (r redactor) event(e *session.Event) {
	name := e.User
	e.User = ""
	if e.UserID == name {
		e.UserID = ""
	}
	if r.mode == RedactHash {
		mac := hmac.New(sha256.New, r.key)
		mac.Write([]byte(name))
		e.UserHash = hex.EncodeToString(mac.Sum(nil))
	}
	h := hider(spellings(name))
	e.FailureReason = h.hide(e.FailureReason)
	e.Message = h.hide(e.Message)
	if escapable(name) {
		// A row's own spelling of such a name cannot be foreseen for every format that rows have.
		e.Original = ""
	} else {
		e.Original = h.hide(e.Original)
	}
	e.Extra = slices.Clone(e.Extra)
	for i := range e.Extra {
		e.Extra[i].Value = h.hide(e.Extra[i].Value)
	}
}

// hider replaces a name in each spelling that servers give it in running text. (Not by a strings.Replacer: one whose pattern is a
// megabyte of one letter, which any client can send as its name, takes hours to build.)
type hider []string

func (h hider) hide(text string) string {
	for _, spelling := range h {
		text = strings.ReplaceAll(text, spelling, redacted)
	}
	return text
}
