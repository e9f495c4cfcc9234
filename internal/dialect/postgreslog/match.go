package postgreslog

import (
	"net/netip"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
)

// maxMatchSteps bounds the search for the ends of names that were made to look like what follows them.
const maxMatchSteps = 2000

type prefixMatcher struct {
	prefixValues
	user              string // the name in the message, if it has one
	allowHostNames    bool   // a client may be a host's name, not only an address
	prefixIsGuess     bool   // the prefix is a guess: names with blanks in them, and databases with what parts fields, would hide that it is wrong
	namesHaveNoSpaces bool   // in this text
	isHead            bool   // other text may follow
	stepsLeft         int

	digitZone       bool   // a zone of digits directly before a number was found
	trialPID        string // of the reading that is being tried
	trialSessionPID int64  // the pid in its %c, 0 where there is none yet
}

func exceedsNameLimit(escape byte, name string) bool {
	// Servers cut both, and replace control characters of an application's name.
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

func (p *linePrefix) matchWholeText(text, user string, m *prefixMatcher) bool {
	narrow := m.prefixIsGuess && strings.IndexByte(text, '\n') < 0 // a name that cuts its record is a client's, whatever is in it
	for _, loose := range [...]bool{false, true} {
		*m = prefixMatcher{user: user, allowHostNames: loose, prefixIsGuess: m.prefixIsGuess, namesHaveNoSpaces: narrow, stepsLeft: maxMatchSteps, digitZone: m.digitZone}
		if m.matchParts(p.parts, text) {
			return true
		}
	}
	return false
}

func (m *prefixMatcher) matchParts(parts []prefixPart, text string) bool {
	for i := range parts {
		this := &parts[i]
		if m.stepsLeft--; m.stepsLeft < 0 {
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
		case this.isFreeText():
			return m.matchFreeText(this, parts[i+1:], text)
		case this.isDelimited:
			value, n := this.readBoundedValue(text, maxValueBytes)
			if n < 0 || !m.acceptsValue(this, value) {
				return false
			}
			m.setPrefixValue(this.escape, value)
			text = text[n:]
		default:
			return m.matchBounded(this, parts[i+1:], text)
		}
	}
	return m.isHead || text == ""
}

// maxValueBytes is more than the longest name of a host, and more than what any other value of known characters needs.
const maxValueBytes = 300

func (m *prefixMatcher) matchBounded(this *prefixPart, rest []prefixPart, text string) bool {
	pid, sessionPID := m.trialPID, m.trialSessionPID
	for longest := maxValueBytes; longest >= 0; {
		if m.stepsLeft--; m.stepsLeft < 0 {
			return false
		}
		value, n := this.readBoundedValue(text, longest)
		if n < 0 && value == "" {
			return false
		}
		if n >= 0 && m.acceptsValue(this, value) && m.matchParts(rest, text[n:]) {
			m.setPrefixValue(this.escape, value)
			return true
		}
		m.trialPID, m.trialSessionPID = pid, sessionPID
		if longest = len(value) - 1; len(value) == 0 {
			return false
		}
	}
	return false
}

func (m *prefixMatcher) acceptsValue(this *prefixPart, value string) bool {
	switch this.escape {
	case 'h', 'r':
		host := value
		if this.escape == 'r' {
			host, _, _ = strings.Cut(value, "(")
		}
		return m.allowHostNames || isClientAddress(host)
	case 'p':
		m.trialPID = value
	case 'c':
		id, ok := parseBackendID(value)
		if !ok {
			return false
		}
		m.trialSessionPID = id.PID
	case 'm', 't', 's':
		if this.next != 0 && !m.zoneIsDelimited(this, value[20:]) {
			return false
		}
	}
	if m.trialPID != "" && m.trialSessionPID != 0 { // %c ends with the pid: this finds the end of the first where nothing is between them
		pid, _ := localtime.ParseDigits(m.trialPID)
		return pid == m.trialSessionPID
	}
	return true
}

func (m *prefixMatcher) zoneIsDelimited(this *prefixPart, zone string) bool {
	if i := strings.IndexAny(zone, "+-"); i >= 0 {
		m.digitZone = m.digitZone || strings.IndexByte("plxncvPQ", this.next) >= 0
		return !m.digitZone
	}
	return strings.ToUpper(zone) == zone
}

func isClientAddress(host string) bool {
	if host == "" || host[0] == '[' {
		return host == "" || host == "[local]" || host == unknownValue
	}
	addr, _, _ := strings.Cut(host, "%")
	_, err := netip.ParseAddr(addr)
	return err == nil
}

func (m *prefixMatcher) matchFreeText(this *prefixPart, rest []prefixPart, text string) bool {
	escape := this.escape
	if escape == 'u' && m.user != "" {
		return m.matchKnownUser(rest, text)
	}
	narrow := m.namesHaveNoSpaces && (escape == 'u' || escape == 'd' || escape == 'a' && (len(rest) == 0 || strings.HasPrefix(rest[0].literal, " ")))
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
		if narrow && (strings.ContainsRune(value, ' ') || escape == 'd' && strings.ContainsAny(value, "/|;")) || exceedsNameLimit(escape, value) {
			return false
		}
		if m.matchParts(rest, text[end:]) {
			m.setPrefixValue(escape, value)
			return true
		}
		if m.stepsLeft < 0 {
			return false
		}
	}
	return false
}

func (m *prefixMatcher) matchKnownUser(rest []prefixPart, text string) bool {
	after, ok := strings.CutPrefix(text, m.user)
	if !ok {
		after, ok = strings.CutPrefix(strings.TrimLeft(text, " "), m.user)
	}
	if !ok || m.namesHaveNoSpaces && strings.ContainsRune(m.user, ' ') {
		return false
	}
	if !m.matchParts(rest, after) && !m.matchParts(rest, strings.TrimLeft(after, " ")) {
		return false
	}
	m.setPrefixValue('u', m.user)
	return true
}
