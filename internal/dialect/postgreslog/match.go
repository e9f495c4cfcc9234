package postgreslog

import (
	"net/netip"
	"strings"
)

// maxSteps bounds the search for the ends of names that are made to look like what follows them.
const maxSteps = 2000

// matcher looks for a prefix in one text.
type matcher struct {
	values
	user   string // what the name must be, if the message says
	loose  bool   // a client may be told by its host's name, not only by its address
	plain  bool   // the prefix is a guess: names with blanks in them would hide that it is wrong
	narrow bool   // there are none in this text
	steps  int
}

// tooLong tells what cannot be the name of a database or an application: servers cut both, and put a question mark for every
// control character of the latter.
func tooLong(escape byte, name string) bool {
	switch escape {
	case 'a':
		return len(name) > maxIdentifier || strings.IndexByte(name, '\n') >= 0
	case 'd':
		return len(name) > maxIdentifier
	}
	return false
}

// maxIdentifier is NAMEDATALEN less one.
const maxIdentifier = 63

// match reads all of text, which stands before the severity, and tells whether it is such a prefix.
func (p *prefix) match(text, user string, m *matcher) bool {
	narrow := m.plain && strings.IndexByte(text, '\n') < 0 // a name that cuts its record is a client's, whatever is in it
	for _, loose := range [...]bool{false, true} {
		*m = matcher{user: user, loose: loose, plain: m.plain, narrow: narrow, steps: maxSteps}
		if m.match(p.parts, text) {
			return true
		}
	}
	return false
}

func (m *matcher) match(parts []part, text string) bool {
	for i, this := range parts {
		if m.steps--; m.steps < 0 {
			return false
		}
		switch {
		case this.escape == 'q':
			if text == "" {
				return true // a process that is no session: its prefix ends here
			}
		case this.escape == 0:
			rest, ok := strings.CutPrefix(text, this.literal)
			if !ok {
				return false
			}
			text = rest
		case strings.IndexByte(freeText, this.escape) >= 0:
			return m.free(this.escape, parts[i+1:], text)
		default:
			value, n := this.read(text)
			if n < 0 {
				return false
			}
			m.take(this.escape, value)
			text = text[n:]
			if (this.escape == 'h' || this.escape == 'r') && !m.loose && !isAddress(m.host) {
				return false
			}
		}
	}
	return text == ""
}

// isAddress tells an address, or what stands for none, from a name.
func isAddress(host string) bool {
	if host == "" || host[0] == '[' {
		return host == "" || host == "[local]" || host == unknown
	}
	addr, _, _ := strings.Cut(host, "%")
	_, err := netip.ParseAddr(addr)
	return err == nil
}

// free tries the ends that a free text can have, the first one first, at which the rest matches.
func (m *matcher) free(escape byte, rest []part, text string) bool {
	if escape == 'u' && m.user != "" {
		return m.named(rest, text)
	}
	for end := 0; end <= len(text); end++ {
		switch {
		case len(rest) == 0:
			end = len(text)
		case rest[0].escape == 0:
			i := strings.Index(text[end:], rest[0].literal)
			if i < 0 {
				return false
			}
			end += i
		}
		value := strings.Trim(text[:end], " ")
		if m.narrow && strings.ContainsRune(value, ' ') || tooLong(escape, value) {
			return false
		}
		if m.match(rest, text[end:]) {
			m.take(escape, value)
			return true
		}
		if m.steps < 0 {
			return false
		}
	}
	return false
}

// named takes the name that the message says, with the padding that it may have here.
func (m *matcher) named(rest []part, text string) bool {
	after, ok := strings.CutPrefix(text, m.user)
	if !ok {
		after, ok = strings.CutPrefix(strings.TrimLeft(text, " "), m.user)
	}
	if !ok || m.narrow && strings.ContainsRune(m.user, ' ') {
		return false
	}
	if !m.match(rest, after) && !m.match(rest, strings.TrimLeft(after, " ")) {
		return false
	}
	m.take('u', m.user)
	return true
}
