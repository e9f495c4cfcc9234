package postgreslog

import (
	"net/netip"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
)

// maxSteps bounds the search for the ends of names that are made to look like what follows them.
const maxSteps = 2000

// matcher looks for a prefix in one text.
type matcher struct {
	values
	user   string // what the name must be, if the message says
	loose  bool   // a client may be told by its host's name, not only by its address
	plain  bool   // the prefix is a guess: names with blanks in them, and databases with what parts fields, would hide that it is wrong
	narrow bool   // there are none in this text
	open   bool   // whatever may follow
	steps  int

	digitZone       bool   // a zone of digits with a number right behind it was seen
	trialPID        string // of the reading that is being tried
	trialSessionPID int64  // the pid in its %c, 0 where there is none yet
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
		*m = matcher{user: user, loose: loose, plain: m.plain, narrow: narrow, steps: maxSteps, digitZone: m.digitZone}
		if m.match(p.parts, text) {
			return true
		}
	}
	return false
}

func (m *matcher) match(parts []part, text string) bool {
	for i := range parts {
		this := &parts[i]
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
		case this.free():
			return m.free(this, parts[i+1:], text)
		case this.sure:
			value, n := this.read(text, maxValue)
			if n < 0 || !m.accepts(this, value) {
				return false
			}
			m.take(this.escape, value)
			text = text[n:]
		default:
			return m.bounded(this, parts[i+1:], text)
		}
	}
	return m.open || text == ""
}

// maxValue is more than the longest name of a host, and more than what any other value of known characters needs.
const maxValue = 300

// bounded tries the ends that a value of known characters can have, the last one first, at which the rest matches.
func (m *matcher) bounded(this *part, rest []part, text string) bool {
	pid, sessionPID := m.trialPID, m.trialSessionPID
	for longest := maxValue; longest >= 0; {
		if m.steps--; m.steps < 0 {
			return false
		}
		value, n := this.read(text, longest)
		if n < 0 && value == "" {
			return false
		}
		if n >= 0 && m.accepts(this, value) && m.match(rest, text[n:]) {
			m.take(this.escape, value)
			return true
		}
		m.trialPID, m.trialSessionPID = pid, sessionPID
		if longest = len(value) - 1; len(value) == 0 {
			return false
		}
	}
	return false
}

// accepts tells whether a value can be that of this escape in this reading.
func (m *matcher) accepts(this *part, value string) bool {
	switch this.escape {
	case 'h', 'r':
		host := value
		if this.escape == 'r' {
			host, _, _ = strings.Cut(value, "(")
		}
		return m.loose || isAddress(host)
	case 'p':
		m.trialPID = value
	case 'c':
		id, ok := parseID(value)
		if !ok {
			return false
		}
		m.trialSessionPID = id.PID
	case 'm', 't', 's':
		if this.next != 0 && !m.bare(this, value[20:]) {
			return false
		}
	}
	if m.trialPID != "" && m.trialSessionPID != 0 { // %c ends with the pid: where nothing stands between the two, this tells them apart
		pid, _ := localtime.Digits(m.trialPID)
		return pid == m.trialSessionPID
	}
	return true
}

// bare tells whether a zone, of which the value behind a time ends, may be followed by another value with nothing between.
func (m *matcher) bare(this *part, zone string) bool {
	if i := strings.IndexAny(zone, "+-"); i >= 0 {
		m.digitZone = m.digitZone || strings.IndexByte("plxncvPQ", this.next) >= 0
		return !m.digitZone
	}
	return strings.ToUpper(zone) == zone
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
func (m *matcher) free(this *part, rest []part, text string) bool {
	escape := this.escape
	if escape == 'u' && m.user != "" {
		return m.named(rest, text)
	}
	narrow := m.narrow && (escape == 'u' || escape == 'd' || escape == 'a' && (len(rest) == 0 || strings.HasPrefix(rest[0].literal, " ")))
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
		if narrow && (strings.ContainsRune(value, ' ') || escape == 'd' && strings.ContainsAny(value, "/|;")) || tooLong(escape, value) {
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
