// Package sshlog reads the logins, failures and logouts that OpenSSH's server and PAM write to a system log.
package sshlog

import (
	"net/netip"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// messageKind is the form of a line. A user's name may have blanks and look like any message, but no line end: sshd writes that as
// \012.
type messageKind uint8

const (
	kindOther messageKind = iota
	kindAccepted
	kindFailed
	kindAmbiguous          // a failure whose text a client made so that it can be read in two ways
	kindAmbiguousEnd       // the same of the end of a connection
	kindInvalidUser        // Invalid user U from A port P
	kindNotAllowed         // User U from A not allowed because …
	kindRootRefused        // ROOT LOGIN REFUSED FROM A port P
	kindDenied             // Access denied for user U by PAM account configuration
	kindTooMany            // maximum authentication attempts exceeded for U from A port P ssh2
	kindClosedEarly        // before anybody was let in; the user may be named
	kindDisconnected       // Disconnected from user U A port P, or the connection was closed or reset, or broke
	kindEnded              // the connection's own process ends it, and does not say whose it is
	kindDisconnectReceived // Received disconnect from A port P: the client goes
	kindConnectionFrom     // Connection from A port P on B port Q
	kindTimeout            // Timeout before authentication for A port P
	kindPAMError           // PAM: REASON for U from A, of keyboard-interactive
	kindPAMFailure         // a PAM module refuses: authentication failure; … rhost=A  user=U
	kindPAMMore            // N more authentication failures; …
	kindPAMAccess          // a PAM module refuses the account: access denied for user `U' from `A'
	kindPAMOpened
	kindPAMClosed
)

type sshdMessage struct {
	kind        messageKind
	method      string
	user        string
	invalidUser bool // the user does not exist, or may not
	mayBeEcho   bool // perhaps the second time of the same
	// nameHidden: the server hid the name.
	nameHidden   bool
	address      string
	port         int32
	publicKey    string // the key
	reason       string
	module       string // of PAM
	system       string // empty for OpenSSH
	pid          int64  // of another process that the message is about
	moreAttempts int64  // attempts beyond the first
	readings     []possibleReading
	writer       messageWriter
}

type messageWriter uint8

const (
	writerTrusted messageWriter = iota // root, or unknown
	writerSession                      // sshd's program under a user's id: the process of a session
	writerUser                         // any other program of a user's
)

// possibleReading is one of several meanings of a message that a client made ambiguous.
type possibleReading struct {
	user, extra, address string
	port                 int32
}

// parseMessageText reads the name of an unknown user from the right, where the rest is sshd's own; that of a known user from the left, since
// a client chooses what may follow, a certificate's id or another name.
func parseMessageText(s string) (m sshdMessage) {
	s, early := strings.CutSuffix(strings.TrimRight(s, " "), " [preauth]")
	s = strings.TrimSuffix(s, " [postauth]")
	s = cutFunctionName(strings.TrimPrefix(strings.TrimPrefix(s, "error: "), "fatal: "))
	for _, form := range knownForms {
		if rest, found := strings.CutPrefix(s, form); found {
			m.readKnownForm(form, rest, early)
			return m
		}
	}
	m.readPAMMessage(s)
	return m
}

func cutFunctionName(s string) string {
	// packet_write_wait: Connection from …
	function, rest, found := strings.Cut(s, ": ")
	if found && strings.HasPrefix(rest, formFrom) && strings.Trim(function, "abcdefghijklmnopqrstuvwxyz_0123456789") == "" {
		return rest
	}
	return s
}

const (
	formAccepted           = "Accepted "
	formFailed             = "Failed "
	formInvalid            = "Invalid user "
	formIllegal            = "Illegal user " // before OpenSSH 4
	formUser               = "User "
	formClosed             = "Connection closed by "
	formReset              = "Connection reset by "
	formFrom               = "Connection from "
	formDisconnectedFrom   = "Disconnected from "
	formNotResponding      = "Timeout, client not responding from "
	formDisconnecting      = "Disconnecting "
	formFailures           = "Disconnecting: Too many authentication failures"
	formDisconnectReceived = "Received disconnect from "
	formTimeout            = "Timeout before authentication for "
	formRootRefused        = "ROOT LOGIN REFUSED FROM "
	formDenied             = "Access denied for user "
	formExceeded           = "maximum authentication attempts exceeded for "
	formPAM                = "PAM: "
	formProhibited         = "administratively prohibited connection for "
	formReadError          = "Read error from remote host "
	formClosing            = "Closing connection to "
	formTimedOut           = "Timeout, client not responding."
	formWriteFailed        = "Write failed: "
	formSignal             = "Exiting on signal "
)

var knownForms = [...]string{
	formAccepted, formFailed, formInvalid, formIllegal, formUser, formClosed, formReset, formFrom, formDisconnectedFrom, formNotResponding, formDisconnecting,
	formFailures, formDisconnectReceived, formTimeout, formRootRefused, formDenied, formExceeded, formPAM, formProhibited, formReadError, formClosing,
	formTimedOut, formWriteFailed, formSignal,
}

func (m *sshdMessage) readKnownForm(form, s string, early bool) {
	switch form {
	case formAccepted:
		m.readAttempt(kindAccepted, s)
	case formFailed:
		m.readAttempt(kindFailed, s)
	case formInvalid, formIllegal:
		m.readInvalidUser(s)
	case formUser:
		m.readNotAllowed(s)
	case formClosed, formReset, formDisconnectedFrom, formNotResponding:
		m.readClosed(s, early)
	case formFrom:
		m.readConnectionFrom(s)
		if m.kind == kindOther {
			m.readBroken(s, early)
		}
	case formDisconnecting:
		m.readDisconnecting(s, early)
	case formFailures:
		m.readTooManyFailures(s)
	case formDisconnectReceived:
		m.readDisconnectReceived(s)
	case formTimeout:
		m.readTimeout(s)
	case formRootRefused:
		m.readRootRefused(s, early)
	case formDenied:
		m.readDenied(s)
	case formExceeded:
		m.readExceeded(s)
	case formPAM:
		m.readPAMError(s)
	case formProhibited:
		m.readProhibited(s)
	case formReadError:
		m.readBroken(s, early)
	case formClosing:
		m.readClosed(s, early)
	case formTimedOut, formWriteFailed, formSignal:
		m.kind = kindEnded
	}
	if m.kind == kindOther && !early && (form == formClosed || form == formClosing || form == formReadError) {
		m.readOldEnd(s)
	}
}

// readBroken reads "[user ][USER ]A port P timed out" and the same with ": REASON", which is sshd's own and has no colon.
func (m *sshdMessage) readBroken(s string, early bool) {
	rest, found := strings.CutSuffix(s, " timed out")
	if !found {
		rest, _, found = logformat.CutLast(s, ": ")
	}
	if found {
		m.readClosed(rest, early)
	}
}

func (m *sshdMessage) readOldEnd(s string) {
	// "A[: REASON]" of old servers, which write no port.
	s, _, _ = strings.Cut(s, ": ")
	if _, err := netip.ParseAddr(s); err == nil {
		m.kind, m.address = kindEnded, s
	}
}

const reasonProhibited = "administratively prohibited connection"

func (m *sshdMessage) readProhibited(s string) {
	// "[invalid user ]USER from A port P", of RefuseConnection.
	s, _ = cutInvalid(s)
	user, address, found := logformat.CutLast(s, " from ")
	if found && m.readAddressPort(address) {
		m.kind, m.reason = kindNotAllowed, reasonProhibited
		m.setUserName(user)
	}
}

// hiddenName is written by Solaris' sshd for the name of an unknown user.
const hiddenName = "<invalid username>"

// readAttempt reads "METHOD for [invalid user ]USER from A port P ssh2[: KEY]". A key is there with methods that have one.
func (m *sshdMessage) readAttempt(kind messageKind, s string) {
	method, s, found := strings.Cut(s, " for ")
	if !found || strings.ContainsRune(method, ' ') {
		return
	}
	if s, m.invalidUser = cutInvalid(s); m.invalidUser {
		m.readInvalidAttempt(kind, method, s)
		return
	}
	user, address, extra, found := readFromLeft(s)
	if found && m.readAddressPort(address) {
		m.kind, m.method, m.publicKey = kind, method, extra
		m.setUserName(user)
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

func (m *sshdMessage) setUserName(user string) {
	if m.user = user; user == hiddenName {
		m.user, m.invalidUser, m.nameHidden = "", true, true
	}
}

func (m *sshdMessage) readInvalidAttempt(kind messageKind, method, s string) {
	if plain, found := strings.CutSuffix(s, " ssh2"); found {
		user, address, found := logformat.CutLast(plain, " from ")
		if found && m.readAddressPort(address) {
			m.kind, m.method = kind, method
			m.setUserName(user)
		}
		return
	}
	// Every end of the name, which may be any text, as may a certificate's id, after which the rest has sshd's form.
	var all []possibleReading
	for at, n := 0, 0; n < maxReadings; n++ {
		i := strings.Index(s[at:], " from ")
		if i < 0 {
			break
		}
		at += i + len(" from ")
		address, key, found := strings.Cut(s[at:], " ssh2: ")
		var place sshdMessage
		if found && at-len(" from ") <= maxNameBytes && isKeyText(method, key) && place.readAddressPort(address) {
			all = append(all, possibleReading{s[:at-len(" from ")], key, place.address, place.port})
		}
	}
	switch len(all) {
	case 0:
		return
	case 1:
		m.kind, m.method = kind, method
		m.chooseReading(&all[0])
	default:
		m.kind, m.method, m.readings = kindAmbiguous, method, all
	}
}

func (m *sshdMessage) chooseReading(r *possibleReading) {
	m.address, m.port, m.publicKey = r.address, r.port, r.extra
	m.setUserName(r.user)
}

// maxNameBytes is the most that sshd writes of a name before a key: 100 bytes, which may be escaped. A longer one is a certificate's
// id in a line that was cut off.
const maxNameBytes = 400

// maxReadings bounds the search in lines of any length: sshd cuts its own at 1,000 bytes.
const maxReadings = 100

// isKeyText says whether a text is, to its end, what sshd writes of a key: "TYPE HASH", for a certificate "TYPE-CERT HASH ID any text
// (serial N) CA TYPE HASH", for a host's key "TYPE HASH, client user "U", client host "H"".
func isKeyText(method, s string) bool {
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

func readFromLeft(s string) (user, place, key string, found bool) {
	// USER from PLACE ssh2[: KEY]
	user, s, found = strings.Cut(s, " from ")
	place, s, found2 := strings.Cut(s, " ssh2")
	key, more := strings.CutPrefix(s, ": ")
	return user, place, key, found && found2 && (more || s == "")
}

func (m *sshdMessage) readInvalidUser(s string) {
	// "USER from A port P"; old servers write no port.
	user, address, found := logformat.CutLast(s, " from ")
	if !found || !m.readAddress(address) {
		return
	}
	m.kind, m.invalidUser, m.reason = kindInvalidUser, true, "Invalid user"
	m.setUserName(user)
}

func (m *sshdMessage) readNotAllowed(s string) {
	who, reason, found := strings.Cut(s, " not allowed because ")
	if rest, last, again := logformat.CutLast(s, " not allowed because "); again {
		who, reason = rest, last
	}
	if !found {
		return
	}
	if user, address, found := logformat.CutLast(who, " from "); found { // the reason may name a group or a shell, not the user
		who, m.address = user, address
	}
	m.kind, m.reason = kindNotAllowed, "not allowed because "+reason
	m.setUserName(who)
}

func (m *sshdMessage) readRootRefused(s string, early bool) {
	// "A port P", written by both of a connection's processes: the second time is echo.
	if m.readAddress(s) {
		m.kind, m.user, m.reason, m.mayBeEcho = kindRootRefused, "root", "ROOT LOGIN REFUSED", early
	}
}

func (m *sshdMessage) readDenied(s string) {
	if user, found := strings.CutSuffix(s, " by PAM account configuration"); found {
		m.kind, m.reason = kindDenied, "Access denied by PAM account configuration"
		m.setUserName(user)
	}
}

func (m *sshdMessage) readExceeded(s string) {
	// [invalid user ]USER from A port P ssh2
	s, invalid := cutInvalid(s)
	s, _ = strings.CutSuffix(s, " ssh2")
	user, address, found := logformat.CutLast(s, " from ")
	if !found || !m.readAddress(address) {
		return
	}
	m.kind, m.invalidUser, m.reason = kindTooMany, invalid, "maximum authentication attempts exceeded"
	m.setUserName(user)
}

func (m *sshdMessage) readTooManyFailures(s string) {
	m.kind, m.reason = kindTooMany, "Too many authentication failures"
	if user, found := strings.CutPrefix(s, " for "); found { // of servers before 6.8
		user, m.invalidUser = cutInvalid(user)
		m.setUserName(user)
	}
}

// readClosed reads "[invalid user |authenticating user |user ][USER ]A port P".
func (m *sshdMessage) readClosed(s string, early bool) {
	named := true
	switch rest, kind, found := cutUserKind(s); {
	case !found:
		named = false
	default:
		s, m.invalidUser = rest, kind == "invalid user "
	}
	rest, port, found := logformat.CutLast(s, " port ")
	user, address, hasUser := logformat.CutLast(rest, " ")
	if !hasUser {
		user, address = "", rest
	}
	if !found || named != hasUser || !m.setAddress(address, port) {
		return
	}
	m.setUserName(user)
	if m.kind = kindDisconnected; early {
		m.kind = kindClosedEarly
	}
}

// readDisconnecting finds the ": REASON" after what readClosed reads. A reason can hold names, as "Change of username" does: of an
// unknown user only sshd's own text after the name shows its end.
func (m *sshdMessage) readDisconnecting(s string, early bool) {
	if !strings.HasPrefix(s, "invalid user ") {
		m.readDisconnectingUser(s, early)
		return
	}
	var known, unknown []sshdMessage
	for end, n := len(s), 0; n < maxReasons; n++ {
		at := strings.LastIndex(s[:end], ": ")
		if at < 0 {
			break
		}
		end = at
		var c sshdMessage
		if c.readClosed(s[:at], early); c.kind == kindOther {
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
		m.kind = kindAmbiguousEnd
	}
}

func (m *sshdMessage) readDisconnectingUser(s string, early bool) {
	begin := 0
	for range maxReasons {
		at := strings.Index(s[begin:], ": ")
		if at < 0 {
			return
		}
		at += begin
		if m.readClosed(s[:at], early); m.kind != kindOther {
			m.reason = s[at+2:]
			return
		}
		begin = at + 1
	}
}

const maxReasons = 30

func cutUserKind(s string) (rest, kind string, found bool) {
	for _, kind := range [...]string{"invalid user ", "authenticating user ", "user "} {
		if rest, found := strings.CutPrefix(s, kind); found {
			return rest, kind, true
		}
	}
	return s, "", false
}

func (m *sshdMessage) readDisconnectReceived(s string) {
	// "A port P:CODE: TEXT" and, of old servers, "A: CODE: TEXT".
	place, _, _ := strings.Cut(s, ": ")
	address, port, found := strings.Cut(place, " port ")
	port, _, _ = strings.Cut(port, ":")
	if found && m.setAddress(address, port) || m.readAddress(place) {
		m.kind = kindDisconnectReceived
	}
}

func (m *sshdMessage) readConnectionFrom(s string) {
	// A port P on B port Q[ rdomain "R"]
	place, _, found := strings.Cut(s, " on ")
	if found && m.readAddressPort(place) {
		m.kind = kindConnectionFrom
	}
}

func (m *sshdMessage) readTimeout(s string) {
	// "A port P" and, since 9.8, where another process writes it, "connection from A to B, pid = N".
	peers, number, found := strings.Cut(strings.TrimPrefix(s, "connection from "), ", pid = ")
	if pid, ok := localtime.ParseDigits(number); found && ok && number != "" {
		m.pid = pid
	}
	address, _, _ := strings.Cut(peers, " to ")
	if m.readAddress(address) {
		m.kind = kindTimeout
	}
}

// addressIsCertain is false where text that a client chose may follow the address.
func (m *sshdMessage) addressIsCertain() bool {
	switch m.kind {
	case kindFailed:
		return !m.invalidUser || m.publicKey == ""
	case kindClosedEarly:
		return m.reason == ""
	case kindAmbiguous, kindAmbiguousEnd:
		return false
	}
	return m.port != 0
}

func (m *sshdMessage) readAddressPort(s string) bool {
	address, port, found := strings.Cut(s, " port ")
	return found && m.setAddress(address, port)
}

func (m *sshdMessage) setAddress(address, port string) bool {
	n, ok := localtime.ParseDigits(port)
	if !ok || port == "" || n > 65535 || address == "" || strings.ContainsRune(address, ' ') {
		return false
	}
	m.address, m.port = address, int32(n)
	return true
}

func (m *sshdMessage) readAddress(s string) bool {
	if m.readAddressPort(s) {
		return true
	}
	if _, err := netip.ParseAddr(s); err != nil {
		return false
	}
	m.address = s
	return true
}
