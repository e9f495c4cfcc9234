package correlation

import (
	"math"
	"strings"
	"unsafe"

	"github.com/otel-sessionlog/sessionlog/session"
)

// open is the end of a session that nobody has seen ending.
const open = math.MaxInt64

// nobody is the index that means: none.
const nobody = int32(-1)

// login is one remembered login, successful or not. It lives in a slab and is linked by indexes, so that a hundred thousand
// of them cost the garbage collector little.
type login struct {
	id  session.ID // what it is found by: the session's key, or the record's id where there is none
	uid session.ID // record id of the login
	key session.ID // the session's key

	system, instance, host, sessionID, user, userHash, address, uidText string
	port                                                                int32
	outcome                                                             session.Outcome
	failed                                                              bool
	brief                                                               bool // over at once: a failed login, or a session of one HTTP request
	named                                                               bool // uid is a login's, not that of a session's start
	pending                                                             bool // an update waits for its delivery

	start, end int64 // by the source's clock
	learned    int64 // when it was first heard of, by ours
	seen       int64 // when it was last heard of
	bytes      int64

	keys
	traits
	trace [16]byte
	span  [8]byte
	by    Evidence // for trace

	gen        uint32 // tells this login from the one that had the place before
	ended      bool   // which list it is in
	prev, next int32  // in its list
	up, down   [kinds]int32
}

// perRequest is the interface at which every request is a session of its own: ClickHouse's HTTP. Its sessions follow each other
// closely on one address and port.
const perRequest = "HTTP"

// overhead is what a login costs beside its texts: its place in the slab and in four maps.
const overhead = int64(unsafe.Sizeof(login{})) + 4*32

// maxTexts bounds the texts of one login, so that a hostile one cannot push out thousands of others. Real ones have some
// hundred bytes.
const maxTexts = 4096

// texts is how long the texts are that would be remembered, but for the record's id.
func texts(e *session.Event, address string) int {
	return len(e.System) + len(e.Instance) + len(e.Host) + len(e.SessionID) + len(e.User) + len(e.UserHash) + len(address)
}

// fill takes everything from the event into one text of its own: the event's strings may be parts of large blocks, which
// must not be kept alive.
func (l *login) fill(e *session.Event, address string) {
	uid := e.RecordID.String()
	parts := [...]struct {
		to   *string
		from string
	}{
		{&l.system, e.System},
		{&l.instance, e.Instance},
		{&l.host, e.Host},
		{&l.sessionID, e.SessionID},
		{&l.user, e.User},
		{&l.userHash, e.UserHash},
		{&l.address, address},
		{&l.uidText, uid},
	}
	var b strings.Builder
	n := 0
	for _, p := range parts {
		n += len(p.from)
	}
	b.Grow(n)
	for _, p := range parts {
		b.WriteString(p.from)
	}
	all := b.String()
	for _, p := range parts {
		*p.to, all = all[:len(p.from)], all[len(p.from):]
	}
	l.bytes = overhead + int64(n)
	l.uid, l.key, l.port = e.RecordID, e.SessionKey, e.ClientPort
	l.named = e.Kind == session.KindLogin
	l.outcome = e.Outcome
	if e.Kind == session.KindSessionStart && e.Outcome == session.OutcomeUnknown {
		l.outcome = session.OutcomeSuccess // or else none would have begun
	}
	l.failed = e.Outcome == session.OutcomeFailure
	l.brief = l.failed || e.Interface == perRequest
	l.start, l.end = e.Time, open
	if l.failed {
		l.end = e.Time
	}
	l.by = noTrace
	if e.TraceID != [16]byte{} {
		l.trace, l.span, l.by = e.TraceID, e.SpanID, ownTrace
	}
}

// sameClient compares the texts behind a hash that both share, so that no collision ties two strangers.
func (l *login) sameClient(c *Clues, by Evidence) bool {
	switch by {
	case SessionID:
		return l.sessionID == c.SessionID
	case ClientPort:
		return l.port == c.Port && l.address == c.Address
	default:
		return l.user == c.User && l.address == c.Address
	}
}
