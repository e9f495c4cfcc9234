// Package sshlog reads the logins, failures and logouts that OpenSSH's server and PAM write to the auth log, in files of
// syslog with classic or ISO times.
package sshlog

import (
	"net/netip"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
)

// what a line says. A user's name may hold blanks and look like any message, but no line end: sshd writes that as \012.
type what uint8

const (
	other what = iota
	accepted
	failed
	invalidUser  // Invalid user U from A port P
	notAllowed   // User U from A not allowed because …
	closedEarly  // before anybody was let in; the user may be named
	disconnected // Disconnected from user U A port P, or the connection was closed or reset
	pamOpened
	pamClosed
	timeout // Timeout before authentication for A port P
)

// message is one message of sshd.
type message struct {
	what    what
	method  string
	user    string
	invalid bool // the user does not exist, or may not
	address string
	port    int32
	extra   string // the key
	reason  string
}

// parse reads a message. A name that no user has is read from the right: what stands there is sshd's own. That of a user is
// read from the left: behind it may stand what the client chose later, the id of a certificate or another name.
func parse(s string) (m message) {
	s, early := strings.CutSuffix(s, " [preauth]")
	s = strings.TrimPrefix(strings.TrimPrefix(s, "error: "), "fatal: ")
	switch {
	case strings.HasPrefix(s, "Accepted "):
		m.attempt(accepted, s[len("Accepted "):])
	case strings.HasPrefix(s, "Failed "):
		m.attempt(failed, s[len("Failed "):])
	case strings.HasPrefix(s, "Invalid user "):
		m.invalidUser(s[len("Invalid user "):])
	case strings.HasPrefix(s, "User "):
		m.notAllowed(s[len("User "):])
	case strings.HasPrefix(s, "Connection closed by "):
		m.closed(s[len("Connection closed by "):], early)
	case strings.HasPrefix(s, "Connection reset by "):
		m.closed(s[len("Connection reset by "):], early)
	case strings.HasPrefix(s, "Disconnected from "):
		m.closed(s[len("Disconnected from "):], early)
	case strings.HasPrefix(s, "Disconnecting "):
		m.disconnecting(s[len("Disconnecting "):], early)
	case strings.HasPrefix(s, "Timeout before authentication for "):
		m.timeout(s[len("Timeout before authentication for "):])
	case strings.HasPrefix(s, "pam_unix(sshd:session): session "):
		m.pam(s[len("pam_unix(sshd:session): session "):])
	}
	return m
}

// attempt reads "METHOD for [invalid user ]USER from A port P ssh2[: KEY]". A key is there with methods that have one.
func (m *message) attempt(kind what, s string) {
	method, s, found := strings.Cut(s, " for ")
	if !found || strings.ContainsRune(method, ' ') {
		return
	}
	s, m.invalid = strings.CutPrefix(s, "invalid user ")
	var user, address string
	if m.invalid {
		user, address, m.extra, found = fromRight(s)
	} else {
		user, address, m.extra, found = fromLeft(s)
	}
	if found && m.place(address) {
		m.what, m.method, m.user = kind, method, user
	}
}

// fromRight reads "USER from PLACE ssh2[: KEY]", whose user may be any text.
func fromRight(s string) (user, place, key string, found bool) {
	s, plain := strings.CutSuffix(s, " ssh2")
	if !plain {
		if s, key, found = cutLast(s, " ssh2: "); !found {
			return "", "", "", false
		}
	}
	user, place, found = cutLast(s, " from ")
	return user, place, key, found
}

// fromLeft reads the same of a user that exists. A certificate's id, which is a part of the key, may be any text.
func fromLeft(s string) (user, place, key string, found bool) {
	user, s, found = strings.Cut(s, " from ")
	place, s, found2 := strings.Cut(s, " ssh2")
	key, more := strings.CutPrefix(s, ": ")
	return user, place, key, found && found2 && (more || s == "")
}

// invalidUser reads "USER from A port P"; old servers do not tell the port.
func (m *message) invalidUser(s string) {
	user, address, found := cutLast(s, " from ")
	if !found {
		return
	}
	if !m.place(address) {
		if _, err := netip.ParseAddr(address); err != nil {
			return
		}
		m.address = address
	}
	m.what, m.user, m.invalid, m.reason = invalidUser, user, true, "Invalid user"
}

// notAllowed reads "USER [from A ]not allowed because REASON". The reason may name a group or a shell, not the user.
func (m *message) notAllowed(s string) {
	who, reason, found := strings.Cut(s, " not allowed because ")
	if rest, last, again := cutLast(s, " not allowed because "); again {
		who, reason = rest, last
	}
	if !found {
		return
	}
	if user, address, found := cutLast(who, " from "); found {
		who, m.address = user, address
	}
	m.what, m.user, m.reason = notAllowed, who, "not allowed because "+reason
}

// closed reads "[invalid user |authenticating user |user ][USER ]A port P".
func (m *message) closed(s string, early bool) {
	named := true
	switch rest, kind, found := cutKind(s); {
	case !found:
		named = false
	default:
		s, m.invalid = rest, kind == "invalid user "
	}
	rest, port, found := cutLast(s, " port ")
	user, address, hasUser := cutLast(rest, " ")
	if !hasUser {
		user, address = "", rest
	}
	if !found || named != hasUser || !m.place(address+" port "+port) {
		return
	}
	m.user = user
	if m.what = disconnected; early {
		m.what = closedEarly
	}
}

// disconnecting reads the same with ": REASON" behind it. A reason can hold names, that of "Change of username" does.
func (m *message) disconnecting(s string, early bool) {
	fromRight := strings.HasPrefix(s, "invalid user ")
	begin, end := 0, len(s)
	for range maxReasons {
		at := strings.Index(s[begin:end], ": ")
		if fromRight {
			at = strings.LastIndex(s[:end], ": ")
		}
		if at < 0 {
			return
		}
		at += begin
		if m.closed(s[:at], early); m.what != other {
			m.reason = s[at+2:]
			return
		}
		if fromRight {
			end = at
		} else {
			begin = at + 1
		}
	}
}

// maxReasons bounds the search for a reason's beginning: sshd cuts its lines at 1,000 bytes, but who knows who wrote this one.
const maxReasons = 30

func cutKind(s string) (rest, kind string, found bool) {
	for _, kind := range [...]string{"invalid user ", "authenticating user ", "user "} {
		if rest, found := strings.CutPrefix(s, kind); found {
			return rest, kind, true
		}
	}
	return s, "", false
}

func (m *message) timeout(s string) {
	if m.place(s) || m.place(strings.TrimPrefix(s, "connection from ")) {
		m.what = timeout
	}
}

// pam reads "opened for user U(uid=0) by …" and "closed for user U".
func (m *message) pam(s string) {
	if user, found := strings.CutPrefix(s, "closed for user "); found {
		m.what, m.user = pamClosed, user
	} else if user, found := strings.CutPrefix(s, "opened for user "); found {
		m.what, m.user = pamOpened, user
	}
}

// sure tells whether the address can be nothing but sshd's own word: behind it may stand what a client chose.
func (m *message) sure() bool {
	switch m.what {
	case failed:
		return !m.invalid || m.extra == ""
	case closedEarly:
		return m.reason == ""
	}
	return m.port != 0
}

// place reads "A port P".
func (m *message) place(s string) bool {
	address, port, found := strings.Cut(s, " port ")
	n, ok := localtime.Digits(port)
	if !found || !ok || port == "" || n > 65535 || address == "" || strings.ContainsRune(address, ' ') {
		return false
	}
	m.address, m.port = address, int32(n)
	return true
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
