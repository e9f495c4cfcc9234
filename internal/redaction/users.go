package redaction

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Redacted stands where a name was.
const Redacted = "[redacted]"

// hideUser takes the name out of its field and out of every other text. A client's library may write it elsewhere: libpq names the
// database after the user. The same holds for a user id that is no number.
func (p *Policy) hideUser(e *session.Event) {
	names := namesOf(e)
	if escapable(e.User) || slices.ContainsFunc([]string{e.UserID, e.ActorName, e.ActorID}, func(s string) bool { return escapable(s) && !isHashed(s) }) {
		e.Original = "" // a row's own spelling of such a name cannot be foreseen for every format that rows have
	}
	p.hideName(e)
	p.hideCertificate(e)
	e.Extra = slices.Clone(e.Extra)
	p.hideIdentities(e.Extra)
	if len(names) > 0 {
		eachText(e, func(field, text string) string { return p.withoutNames(names, field, text) })
	}
}

func (p *Policy) hideName(e *session.Event) {
	switch {
	case p.config.Users == Drop:
		e.UserHash = ""
	case e.User != "":
		e.UserHash = p.secret.userHash(e.User)
	}
	if e.UserID == e.User {
		e.UserID = ""
	}
	e.User, e.UserID = "", p.replacement("user id", e.UserID)
	e.ActorName, e.ActorID = p.replacement("actor name", e.ActorName), p.replacement("actor id", e.ActorID)
}

// vocabulary are words of ours which somebody may have for a name.
var vocabulary = map[string][]string{"UserType": {session.UserPerson, session.UserService, session.UserSystem}, "MFAUsed": {"yes", "no"}}

// withoutNames hides parts of texts; ids, of which "[redacted]" would make one of many, and what is a name cut short are hidden whole.
func (p *Policy) withoutNames(names []searchName, field, text string) string {
	if text == "" || text == Redacted || isHashed(text) || slices.Contains(vocabulary[field], text) {
		return text
	}
	hidden := text
	for i := range names {
		if hidden = names[i].hide(hidden); names[i].cutShort(text) {
			return Redacted
		}
	}
	if hidden != text && (field == "SessionID" || field == "SessionName") {
		return p.replacement(field, text)
	}
	return hidden
}

// hideCertificate: its subject is its owner's name.
func (p *Policy) hideCertificate(e *session.Event) {
	if len(e.CertificateSubjects) > 0 {
		subjects := make([]string, len(e.CertificateSubjects))
		for i, s := range e.CertificateSubjects {
			if subjects[i] = p.replacement("certificate subject", s); subjects[i] == "" {
				subjects[i] = Redacted
			}
		}
		e.CertificateSubjects = subjects
	}
	e.CertificateSerial = p.replacement("certificate serial", e.CertificateSerial)
}

// replacement is a keyed hash where users are hashed, else nothing.
func (p *Policy) replacement(purpose, text string) string {
	switch {
	case text == "" || isHashed(text):
		return text
	case p.config.Users == Hash:
		return p.secret.hashed(purpose, text)
	}
	return ""
}

// namesOf are what is searched for. A user id that is a number is none: 1000 stands everywhere.
func namesOf(e *session.Event) (names []searchName) {
	if strings.TrimSpace(e.User) != "" {
		names = append(names, newSearchName(e.User))
	}
	for _, id := range [...]string{e.UserID, e.ActorName, e.ActorID} {
		if strings.TrimSpace(id) != "" && id != e.User && !isNumber(id) && !isHashed(id) {
			names = append(names, newSearchName(id))
		}
	}
	slices.SortStableFunc(names, func(a, b searchName) int { return b.length - a.length }) // alice@corp.example before alice
	return names
}

func isNumber(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// searchName is a name in every spelling that servers and clients give it, the longest first.
type searchName struct {
	spellings []string // in lower case, as far as ASCII goes
	length    int      // in bytes
	wholeWord bool     // a short name is a part of many words
}

// shortName is how many letters a name has that is looked for as a whole word only.
const shortName = 3

// cutName is how many bytes of a name are no coincidence: servers cut names, at 32 bytes and more.
const cutName = 16

func newSearchName(name string) searchName {
	n := searchName{length: len(name), wholeWord: utf8.RuneCountInString(strings.TrimSpace(name)) <= shortName}
	for _, s := range spellings(name) {
		n.spellings = append(n.spellings, lowerASCII(s))
	}
	return n
}

// hide replaces the name, in upper or lower case. (Not by a regular expression or a strings.Replacer: one whose pattern is a
// megabyte of one letter, which any client can send as its name, takes hours to build.)
func (n *searchName) hide(text string) string {
	for _, spelling := range n.spellings {
		text = replaceFold(text, spelling, n.wholeWord)
	}
	return text
}

// cutShort tells whether the text is the beginning of the name, cut by a server's limit.
func (n *searchName) cutShort(text string) bool {
	if len(text) < cutName {
		return false
	}
	lower := lowerASCII(text)
	for _, spelling := range n.spellings {
		if strings.HasPrefix(spelling, lower) {
			return true
		}
	}
	return false
}

func replaceFold(text, lowerSpelling string, wholeWord bool) string {
	if len(text) < len(lowerSpelling) {
		return text
	}
	lower := lowerASCII(text)
	var out strings.Builder
	from := 0 // what is before is in out
	for at := 0; ; {
		i := strings.Index(lower[at:], lowerSpelling)
		if i < 0 {
			break
		}
		begin := at + i
		end := begin + len(lowerSpelling)
		if wholeWord && (wordBefore(text[:begin]) || wordAfter(text[end:])) {
			at = begin + 1
			continue
		}
		out.WriteString(text[from:begin])
		out.WriteString(Redacted)
		from, at = end, end
	}
	if from == 0 {
		return text
	}
	out.WriteString(text[from:])
	return out.String()
}

func wordBefore(s string) bool {
	r, size := utf8.DecodeLastRuneInString(s)
	return size > 0 && isWord(r)
}

func wordAfter(s string) bool {
	r, size := utf8.DecodeRuneInString(s)
	return size > 0 && isWord(r)
}
