package redaction

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Redacted replaces a name within a text.
const Redacted = "[redacted]"

func (p *Policy) hideUserNames(e *session.Event) {
	names := searchNames(e)
	if needsEscaping(e.User) || slices.ContainsFunc([]string{e.UserID, e.ActorName, e.ActorID}, func(s string) bool { return needsEscaping(s) && !isHashedText(s) }) {
		e.Original = "" // the escaped form of such a name is not known for every format of rows
	}
	p.hideNameFields(e)
	p.hideCertificate(e)
	e.Extra = slices.Clone(e.Extra)
	p.hideIdentities(e.Extra)
	// libpq, for example, names the database after the user.
	if len(names) > 0 {
		changeEveryText(e, func(field, text string) string { return p.hideNamesInText(names, field, text) })
	}
}

func (p *Policy) hideNameFields(e *session.Event) {
	switch {
	case p.config.Users == ModeDrop:
		e.UserHash = ""
	case e.User != "":
		e.UserHash = p.hashKey.hashUserName(e.User)
	}
	if e.UserID == e.User {
		e.UserID = ""
	}
	e.User, e.UserID = "", p.replaceIdentity("user id", e.UserID)
	e.ActorName, e.ActorID = p.replaceIdentity("actor name", e.ActorName), p.replaceIdentity("actor id", e.ActorID)
}

// vocabularyWords stay, although they may also be somebody's name.
var vocabularyWords = map[string][]string{"UserType": {session.UserPerson, session.UserService, session.UserSystem}, "MFAUsed": {"yes", "no"}}

func (p *Policy) hideNamesInText(names []searchName, field, text string) string {
	if text == "" || text == Redacted || isHashedText(text) || slices.Contains(vocabularyWords[field], text) {
		return text
	}
	hidden := text
	for i := range names {
		if hidden = names[i].hideNameIn(hidden); names[i].isTruncatedIn(text) {
			return Redacted
		}
	}
	// "[redacted]" would make ids equal.
	if hidden != text && (field == "SessionID" || field == "SessionName") {
		return p.replaceIdentity(field, text)
	}
	return hidden
}

func (p *Policy) hideCertificate(e *session.Event) {
	if len(e.CertificateSubjects) > 0 {
		subjects := make([]string, len(e.CertificateSubjects))
		for i, s := range e.CertificateSubjects { // a certificate's subject is its owner's name
			if subjects[i] = p.replaceIdentity("certificate subject", s); subjects[i] == "" {
				subjects[i] = Redacted
			}
		}
		e.CertificateSubjects = subjects
	}
	e.CertificateSerial = p.replaceIdentity("certificate serial", e.CertificateSerial)
}

// replaceIdentity is a keyed hash where users are hashed, else nothing.
func (p *Policy) replaceIdentity(purpose, text string) string {
	switch {
	case text == "" || isHashedText(text):
		return text
	case p.config.Users == ModeHash:
		return p.hashKey.hashTextFor(purpose, text)
	}
	return ""
}

func searchNames(e *session.Event) (names []searchName) {
	if strings.TrimSpace(e.User) != "" {
		names = append(names, newSearchName(e.User))
	}
	for _, id := range [...]string{e.UserID, e.ActorName, e.ActorID} {
		if strings.TrimSpace(id) != "" && id != e.User && !isDecimalNumber(id) && !isHashedText(id) { // 1000 is part of many texts
			names = append(names, newSearchName(id))
		}
	}
	slices.SortStableFunc(names, func(a, b searchName) int { return b.length - a.length }) // alice@corp.example before alice
	return names
}

func isDecimalNumber(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// searchName is a name in all its spellings, the longest first.
type searchName struct {
	spellings []string // in lower case, as far as ASCII goes
	length    int      // in bytes
	wholeWord bool     // a short name is a part of many words
}

// maxShortName is the number of letters up to which a name is searched as a whole word only.
const maxShortName = 3

// minCutName is the number of bytes from which on a prefix of a name is taken for it: servers truncate names, at 32 bytes and more.
const minCutName = 16

func newSearchName(name string) searchName {
	n := searchName{length: len(name), wholeWord: utf8.RuneCountInString(strings.TrimSpace(name)) <= maxShortName}
	for _, s := range nameSpellings(name) {
		n.spellings = append(n.spellings, lowerASCII(s))
	}
	return n
}

// hideNameIn replaces the name, in upper or lower case. (Not by a regular expression or a strings.Replacer: one whose pattern is a
// megabyte of one letter, which any client can send as its name, takes hours to build.)
func (n *searchName) hideNameIn(text string) string {
	for _, spelling := range n.spellings {
		text = replaceFold(text, spelling, n.wholeWord)
	}
	return text
}

func (n *searchName) isTruncatedIn(text string) bool {
	if len(text) < minCutName {
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
	from := 0 // the text before it is in out
	for at := 0; ; {
		i := strings.Index(lower[at:], lowerSpelling)
		if i < 0 {
			break
		}
		begin := at + i
		end := begin + len(lowerSpelling)
		if wholeWord && (endsInWord(text[:begin]) || startsWithWord(text[end:])) {
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

func endsInWord(s string) bool {
	r, size := utf8.DecodeLastRuneInString(s)
	return size > 0 && isWordRune(r)
}

func startsWithWord(s string) bool {
	r, size := utf8.DecodeRuneInString(s)
	return size > 0 && isWordRune(r)
}
