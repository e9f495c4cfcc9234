// Package sshlog reads the logins, failures and logouts that OpenSSH's server and PAM write to a system log.
package sshlog

import (
	"net/netip"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
)

// messageKind is what a line says. A user's name may hold blanks and look like any message, but no line end: sshd writes that as \012.
type messageKind uint8

const (
	other messageKind = iota
	accepted
	failed
	ambiguous          // a failure whose text a client made so that it can be read in two ways
	ambiguousEnd       // the same of the end of a connection
	invalidUser        // Invalid user U from A port P
	notAllowed         // User U from A not allowed because …
	rootRefused        // ROOT LOGIN REFUSED FROM A port P
	denied             // Access denied for user U by PAM account configuration
	tooMany            // maximum authentication attempts exceeded for U from A port P ssh2
	closedEarly        // before anybody was let in; the user may be named
	disconnected       // Disconnected from user U A port P, or the connection was closed or reset, or broke
	ended              // the connection's own process ends it, and does not say whose it is
	disconnectReceived // Received disconnect from A port P: the client goes
	connectionFrom     // Connection from A port P on B port Q
	timeout            // Timeout before authentication for A port P
	pamError           // PAM: REASON for U from A, of keyboard-interactive
	pamFailure         // a PAM module refuses: authentication failure; … rhost=A  user=U
	pamMore            // N more authentication failures; …
	pamAccess          // access denied for user `U' from `A'
	pamOpened
	pamClosed
)

// message is one message of sshd.
type message struct {
	kind    messageKind
	method  string
	user    string
	invalid bool // the user does not exist, or may not
	echo    bool // perhaps the second time of the same
	// nameless says that the server hid the name.
	nameless bool
	address  string
	port     int32
	extra    string // the key
	reason   string
	module   string // of PAM
	pid      int64  // of another process that the message is about
	more     int64  // attempts beyond the first
	others   []reading
	writer   writer
}

// writer is who wrote a message, as far as journald vouches for it.
type writer uint8

const (
	writerTrusted writer = iota // root, or nobody vouches
	writerSession               // sshd's program under a user's id: the process of a session
	writerUser                  // any other program of a user's
)

// reading is what else a message can mean that a client made ambiguous.
type reading struct {
	user, extra, address string
	port                 int32
}

// parse reads a message. A name that no user has is read from the right: what stands there is sshd's own. That of a user is
// read from the left: behind it may stand what the client chose later, the id of a certificate or another name.
func parse(s string) (m message) {
	s, early := strings.CutSuffix(s, " [preauth]")
	s = strings.TrimSuffix(s, " [postauth]")
	s = cutFunction(strings.TrimPrefix(strings.TrimPrefix(s, "error: "), "fatal: "))
	for _, form := range forms {
		if rest, found := strings.CutPrefix(s, form); found {
			m.read(form, rest, early)
			return m
		}
	}
	m.pam(s)
	return m
}

// cutFunction takes off the function of sshd's in which a connection broke: "packet_write_wait: Connection from …".
func cutFunction(s string) string {
	function, rest, found := strings.Cut(s, ": ")
	if found && strings.HasPrefix(rest, formFrom) && strings.Trim(function, "abcdefghijklmnopqrstuvwxyz_0123456789") == "" {
		return rest
	}
	return s
}

// The beginnings of the messages that matter.
const (
	formAccepted    = "Accepted "
	formFailed      = "Failed "
	formInvalid     = "Invalid user "
	formIllegal     = "Illegal user " // before OpenSSH 4
	formUser        = "User "
	formClosed      = "Connection closed by "
	formReset       = "Connection reset by "
	formFrom        = "Connection from "
	formGone        = "Disconnected from "
	formSilent      = "Timeout, client not responding from "
	formCutOff      = "Disconnecting "
	formFailures    = "Disconnecting: Too many authentication failures"
	formFarewell    = "Received disconnect from "
	formTimeout     = "Timeout before authentication for "
	formRootRefused = "ROOT LOGIN REFUSED FROM "
	formDenied      = "Access denied for user "
	formExceeded    = "maximum authentication attempts exceeded for "
	formPAM         = "PAM: "
	formProhibited  = "administratively prohibited connection for "
	formReadError   = "Read error from remote host "
	formClosing     = "Closing connection to "
	formTimedOut    = "Timeout, client not responding."
	formWriteFailed = "Write failed: "
	formSignal      = "Exiting on signal "
)

var forms = [...]string{
	formAccepted, formFailed, formInvalid, formIllegal, formUser, formClosed, formReset, formFrom, formGone, formSilent, formCutOff,
	formFailures, formFarewell, formTimeout, formRootRefused, formDenied, formExceeded, formPAM, formProhibited, formReadError, formClosing,
	formTimedOut, formWriteFailed, formSignal,
}

// read reads what follows one of them.
func (m *message) read(form, s string, early bool) {
	switch form {
	case formAccepted:
		m.attempt(accepted, s)
	case formFailed:
		m.attempt(failed, s)
	case formInvalid, formIllegal:
		m.invalidUser(s)
	case formUser:
		m.notAllowed(s)
	case formClosed, formReset, formGone, formSilent:
		m.closed(s, early)
	case formFrom:
		m.bannerMessage(s)
		if m.kind == other {
			m.broken(s, early)
		}
	case formCutOff:
		m.disconnecting(s, early)
	case formFailures:
		m.tooManyFailures(s)
	case formFarewell:
		m.disconnectMessage(s)
	case formTimeout:
		m.timeout(s)
	case formRootRefused:
		m.rootRefused(s, early)
	case formDenied:
		m.denied(s)
	case formExceeded:
		m.exceeded(s)
	case formPAM:
		m.pamError(s)
	case formProhibited:
		m.prohibited(s)
	case formReadError:
		m.broken(s, early)
	case formClosing:
		m.closed(s, early)
	case formTimedOut, formWriteFailed, formSignal:
		m.kind = ended
	}
	if m.kind == other && !early && (form == formClosed || form == formClosing || form == formReadError) {
		m.endedBy(s)
	}
}

// broken reads "[user ][USER ]A port P timed out" and the same with ": REASON", which is sshd's own word and has no colon.
func (m *message) broken(s string, early bool) {
	rest, found := strings.CutSuffix(s, " timed out")
	if !found {
		rest, _, found = cutLast(s, ": ")
	}
	if found {
		m.closed(rest, early)
	}
}

// endedBy reads "A[: REASON]" of old servers, which do not tell the port.
func (m *message) endedBy(s string) {
	s, _, _ = strings.Cut(s, ": ")
	if _, err := netip.ParseAddr(s); err == nil {
		m.kind, m.address = ended, s
	}
}

const reasonProhibited = "administratively prohibited connection"

// prohibited reads "[invalid user ]USER from A port P", of RefuseConnection.
func (m *message) prohibited(s string) {
	s, _ = cutInvalid(s)
	user, address, found := cutLast(s, " from ")
	if found && m.place(address) {
		m.kind, m.reason = notAllowed, reasonProhibited
		m.setUser(user)
	}
}

// noName stands where Solaris' sshd hides the name of a user that does not exist.
const noName = "<invalid username>"

// attempt reads "METHOD for [invalid user ]USER from A port P ssh2[: KEY]". A key is there with methods that have one.
func (m *message) attempt(kind messageKind, s string) {
	method, s, found := strings.Cut(s, " for ")
	if !found || strings.ContainsRune(method, ' ') {
		return
	}
	if s, m.invalid = cutInvalid(s); m.invalid {
		m.invalidAttempt(kind, method, s)
		return
	}
	user, address, extra, found := fromLeft(s)
	if found && m.place(address) {
		m.kind, m.method, m.extra = kind, method, extra
		m.setUser(user)
	}
}

func cutInvalid(s string) (rest string, invalid bool) {
	for _, word := range [...]string{"invalid user ", "illegal user "} {
		if rest, found := strings.CutPrefix(s, word); found {
			return rest, true
		}
	}
	return s, false
}

func (m *message) setUser(user string) {
	if m.user = user; user == noName {
		m.user, m.invalid, m.nameless = "", true, true
	}
}

// invalidAttempt reads the same of a name that no user has: the name may be any text, and the id of a certificate, too. Each end of
// the name after which the rest is as sshd writes it is a reading.
func (m *message) invalidAttempt(kind messageKind, method, s string) {
	if plain, found := strings.CutSuffix(s, " ssh2"); found {
		user, address, found := cutLast(plain, " from ")
		if found && m.place(address) {
			m.kind, m.method = kind, method
			m.setUser(user)
		}
		return
	}
	var all []reading
	for at, n := 0, 0; n < maxReadings; n++ {
		i := strings.Index(s[at:], " from ")
		if i < 0 {
			break
		}
		at += i + len(" from ")
		address, key, found := strings.Cut(s[at:], " ssh2: ")
		var place message
		if found && at-len(" from ") <= longestName && isKey(method, key) && place.place(address) {
			all = append(all, reading{s[:at-len(" from ")], key, place.address, place.port})
		}
	}
	switch len(all) {
	case 0:
		return
	case 1:
		m.kind, m.method = kind, method
		m.choose(&all[0])
	default:
		m.kind, m.method, m.others = ambiguous, method, all
	}
}

func (m *message) choose(r *reading) {
	m.address, m.port, m.extra = r.address, r.port, r.extra
	m.setUser(r.user)
}

// longestName is what sshd writes of a name before a key at most: 100 bytes, which may be escaped. What would be longer is the id of a
// certificate in a line that was cut off behind it.
const longestName = 400

// maxReadings bounds the search: sshd cuts its lines at 1,000 bytes, but who knows who wrote this one.
const maxReadings = 100

// isKey tells whether a text is, to its end, what sshd writes of a key: "TYPE HASH", for a certificate "TYPE-CERT HASH ID any text
// (serial N) CA TYPE HASH", for a host's key "TYPE HASH, client user "U", client host "H"".
func isKey(method, s string) bool {
	kind, rest, found := strings.Cut(s, " ")
	base, _, _ := strings.Cut(method, "/")
	switch {
	case base != "publickey" && base != "hostbased":
		return !strings.Contains(s, " ssh2: ")
	case !found || kind == "":
		return false
	case strings.HasSuffix(kind, "-CERT"):
		hash, _, _ := strings.Cut(rest, " ")
		id := strings.Index(rest, "ID ")
		serial := strings.LastIndex(rest, " (serial ")
		return hash != "" && (id == 0 || id == len(hash)+1) && serial >= id && strings.Contains(rest[serial:], ") CA ")
	case base == "hostbased":
		_, client, found := strings.Cut(rest, ", client user \"")
		return found && strings.HasSuffix(client, "\"") || !strings.ContainsRune(rest, ' ')
	}
	return !strings.ContainsRune(rest, ' ')
}

// fromLeft reads "USER from PLACE ssh2[: KEY]" of a user that exists. A certificate's id, which is a part of the key, may be any text.
func fromLeft(s string) (user, place, key string, found bool) {
	user, s, found = strings.Cut(s, " from ")
	place, s, found2 := strings.Cut(s, " ssh2")
	key, more := strings.CutPrefix(s, ": ")
	return user, place, key, found && found2 && (more || s == "")
}

// invalidUser reads "USER from A port P"; old servers do not tell the port.
func (m *message) invalidUser(s string) {
	user, address, found := cutLast(s, " from ")
	if !found || !m.somewhere(address) {
		return
	}
	m.kind, m.invalid, m.reason = invalidUser, true, "Invalid user"
	m.setUser(user)
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
	m.kind, m.reason = notAllowed, "not allowed because "+reason
	m.setUser(who)
}

// rootRefused reads "A port P". Both of a connection's processes write it: the second time is echo.
func (m *message) rootRefused(s string, early bool) {
	if m.somewhere(s) {
		m.kind, m.user, m.reason, m.echo = rootRefused, "root", "ROOT LOGIN REFUSED", early
	}
}

// denied reads "USER by PAM account configuration".
func (m *message) denied(s string) {
	if user, found := strings.CutSuffix(s, " by PAM account configuration"); found {
		m.kind, m.reason = denied, "Access denied by PAM account configuration"
		m.setUser(user)
	}
}

// exceeded reads "[invalid user ]USER from A port P ssh2".
func (m *message) exceeded(s string) {
	s, invalid := cutInvalid(s)
	s, _ = strings.CutSuffix(s, " ssh2")
	user, address, found := cutLast(s, " from ")
	if !found || !m.somewhere(address) {
		return
	}
	m.kind, m.invalid, m.reason = tooMany, invalid, "maximum authentication attempts exceeded"
	m.setUser(user)
}

// tooManyFailures reads the "[ for USER]" of servers before 6.8.
func (m *message) tooManyFailures(s string) {
	m.kind, m.reason = tooMany, "Too many authentication failures"
	if user, found := strings.CutPrefix(s, " for "); found {
		user, m.invalid = cutInvalid(user)
		m.setUser(user)
	}
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
	if !found || named != hasUser || !m.at(address, port) {
		return
	}
	m.setUser(user)
	if m.kind = disconnected; early {
		m.kind = closedEarly
	}
}

// disconnecting reads the same with ": REASON" behind it. A reason can hold names, that of "Change of username" does: of a name that no
// user has only what sshd writes behind it tells where it ends.
func (m *message) disconnecting(s string, early bool) {
	if !strings.HasPrefix(s, "invalid user ") {
		m.disconnectingUser(s, early)
		return
	}
	var known, unknown []message
	for end, n := len(s), 0; n < maxReasons; n++ {
		at := strings.LastIndex(s[:end], ": ")
		if at < 0 {
			break
		}
		end = at
		var c message
		if c.closed(s[:at], early); c.kind == other {
			continue
		}
		c.reason = s[at+2:]
		changed, found := strings.CutPrefix(c.reason, "Change of username or service not allowed: (")
		if c.reason == "Too many authentication failures" || found && strings.HasPrefix(changed, c.user+",") {
			known = append(known, c)
		} else {
			unknown = append(unknown, c)
		}
	}
	switch {
	case len(known) == 1:
		*m = known[0]
	case len(known) == 0 && len(unknown) == 1:
		*m = unknown[0]
	case len(known)+len(unknown) > 0:
		m.kind = ambiguousEnd
	}
}

func (m *message) disconnectingUser(s string, early bool) {
	begin := 0
	for range maxReasons {
		at := strings.Index(s[begin:], ": ")
		if at < 0 {
			return
		}
		at += begin
		if m.closed(s[:at], early); m.kind != other {
			m.reason = s[at+2:]
			return
		}
		begin = at + 1
	}
}

// maxReasons bounds the search for a reason's beginning.
const maxReasons = 30

func cutKind(s string) (rest, kind string, found bool) {
	for _, kind := range [...]string{"invalid user ", "authenticating user ", "user "} {
		if rest, found := strings.CutPrefix(s, kind); found {
			return rest, kind, true
		}
	}
	return s, "", false
}

// disconnectMessage reads "A port P:CODE: TEXT" and, of old servers, "A: CODE: TEXT".
func (m *message) disconnectMessage(s string) {
	place, _, _ := strings.Cut(s, ": ")
	address, port, found := strings.Cut(place, " port ")
	port, _, _ = strings.Cut(port, ":")
	if found && m.at(address, port) || m.somewhere(place) {
		m.kind = disconnectReceived
	}
}

// bannerMessage reads "A port P on B port Q[ rdomain "R"]".
func (m *message) bannerMessage(s string) {
	place, _, found := strings.Cut(s, " on ")
	if found && m.place(place) {
		m.kind = connectionFrom
	}
}

// timeout reads "A port P" and, since 9.8, where another process tells it, "connection from A to B, pid = N".
func (m *message) timeout(s string) {
	peers, number, found := strings.Cut(strings.TrimPrefix(s, "connection from "), ", pid = ")
	if pid, ok := localtime.Digits(number); found && ok && number != "" {
		m.pid = pid
	}
	address, _, _ := strings.Cut(peers, " to ")
	if m.somewhere(address) {
		m.kind = timeout
	}
}

// sure tells whether the address can be nothing but sshd's own word: behind it may stand what a client chose.
func (m *message) sure() bool {
	switch m.kind {
	case failed:
		return !m.invalid || m.extra == ""
	case closedEarly:
		return m.reason == ""
	case ambiguous, ambiguousEnd:
		return false
	}
	return m.port != 0
}

// place reads "A port P".
func (m *message) place(s string) bool {
	address, port, found := strings.Cut(s, " port ")
	return found && m.at(address, port)
}

func (m *message) at(address, port string) bool {
	n, ok := localtime.Digits(port)
	if !ok || port == "" || n > 65535 || address == "" || strings.ContainsRune(address, ' ') {
		return false
	}
	m.address, m.port = address, int32(n)
	return true
}

// somewhere reads "A port P" or an address alone.
func (m *message) somewhere(s string) bool {
	if m.place(s) {
		return true
	}
	if _, err := netip.ParseAddr(s); err != nil {
		return false
	}
	m.address = s
	return true
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
