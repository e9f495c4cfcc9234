package sshlog

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

const (
	dropbearSystem   = "dropbear"
	dropbearRejected = " rejected" // the end of a reason
)

// dropbearForms are the beginnings of the messages of an attempt, without their first letter, which was small in old versions. Behind
// them is the user in quotes.
var dropbearForms = [...]struct {
	begin, method string
	kind          messageKind
}{
	{"assword auth succeeded for '", "password", kindAccepted},
	{"AM password auth succeeded for '", "password", kindAccepted},
	{"ubkey auth succeeded for '", "publickey", kindAccepted},
	{"uth succeeded with blank password for '", "none", kindAccepted},
	{"ad password attempt for '", "password", kindFailed},
	{"ad PAM password attempt for '", "password", kindFailed},
	{"ubkey auth bad signature for '", "publickey", kindFailed},
}

// parseDropbear reads the messages of Dropbear. Only one of them has a name that the client made up: it is read from the right.
func parseDropbear(s string) (m sshdMessage) {
	m.system = dropbearSystem
	if s = cutDropbearStamp(s); s == "" {
		return m
	}
	for _, f := range dropbearForms {
		if rest, found := strings.CutPrefix(s[1:], f.begin); found {
			m.readDropbearAttempt(f.kind, f.method, rest)
			return m
		}
	}
	switch {
	case strings.HasPrefix(s[1:], "ogin attempt for nonexistent user"), strings.HasPrefix(s[1:], "ogin attempt with wrong user "):
		m.readDropbearUnknown(s)
	case strings.HasPrefix(s[1:], "hild connection from "):
		if m.readDropbearAddress(s[len("Child connection from "):]) {
			m.kind = kindConnectionFrom
		}
	case strings.HasPrefix(s[1:], "xit "):
		m.readDropbearExit(s[len("Exit "):])
	case s == "root login"+dropbearRejected, strings.HasPrefix(s, "User '") && strings.HasSuffix(s, dropbearRejected):
		m.kind, m.reason, m.user = kindNotAllowed, s, "root"
		if user, reason, found := strings.Cut(strings.TrimPrefix(s, "User '"), "' "); found {
			m.user, m.reason = user, reason
		}
	}
	return m
}

// cutDropbearStamp cuts the second stamp of a server that writes to a terminal which a program sends to syslog: [825] Jul 10 23:57:29.
func cutDropbearStamp(s string) string {
	if rest, found := strings.CutPrefix(s, "["); found {
		if _, rest, found = strings.Cut(rest, "] "); found && len(rest) > len("Jan 02 15:04:05 ") {
			return rest[len("Jan 02 15:04:05 "):]
		}
	}
	return s
}

func (m *sshdMessage) readDropbearAttempt(kind messageKind, method, s string) {
	// USER'[ with [TYPE key|key] FINGERPRINT] from A:P
	user, rest, found := strings.Cut(s, "'")
	key, address, found2 := logformat.CutLast(rest, " from ")
	if !found || !found2 || !m.readDropbearAddress(address) { // "…, extra auth required" is no login yet
		return
	}
	m.kind, m.method, m.user = kind, method, user
	if key, found = strings.CutPrefix(key, " with "); found {
		m.publicKey = strings.Replace(strings.TrimPrefix(key, "key "), " key ", " ", 1)
	}
}

func (m *sshdMessage) readDropbearUnknown(s string) {
	before, address, found := logformat.CutLast(s, " from ")
	if !found || !m.readDropbearAddress(address) {
		return
	}
	_, user, _ := strings.Cut(before, " user ")
	m.kind, m.invalidUser, m.user, m.nameHidden = kindFailed, true, strings.Trim(user, "'"), user == ""
}

// readDropbearExit reads "(USER) from <A:P>: REASON", "before auth from <A:P>: [(user 'USER', N fails): ]REASON" and the same of old
// versions, which write no address.
func (m *sshdMessage) readDropbearExit(s string) {
	if rest, early := strings.CutPrefix(s, "before auth"); early {
		_, place, _ := strings.Cut(rest, "<")
		place, _, _ = strings.Cut(place, ">")
		_, user, _ := strings.Cut(rest, "(user '")
		user, _, _ = strings.Cut(user, "', ")
		m.readDropbearAddress(place)
		m.kind, m.user = kindClosedEarly, user
		return
	}
	m.kind = kindEnded
	if _, place, found := strings.Cut(s, ") from <"); found {
		place, _, _ = strings.Cut(place, ">")
		m.readDropbearAddress(place)
	}
}

func (m *sshdMessage) readDropbearAddress(s string) bool {
	address, port, found := logformat.CutLast(s, ":")
	address = strings.TrimPrefix(strings.Trim(address, "[]"), "::ffff:")
	return found && m.setAddress(address, port)
}
