package correlation

import (
	"container/list"
	"math"
	"strings"
	"unsafe"

	"github.com/otel-sessionlog/sessionlog/session"
)

// stillOpen is the end of a session that nobody has seen ending.
const stillOpen = math.MaxInt64

type rememberedLogin struct {
	id  session.ID // what it is found by: the session's key, or the record's id where there is none
	uid session.ID // record id of the login
	key session.ID // the session's key

	system, instance, host, sessionID, user, userHash, address, uidText string
	port                                                                int32
	outcome                                                             session.Outcome
	failed                                                              bool
	brief                                                               bool // over at once: a failed login, or a session of one HTTP request
	named                                                               bool // uid is a login's, not that of a session's start
	hasEnded                                                            bool

	start, end int64 // by the source's clock
	firstSeen  int64 // by the store's
	lastSeen   int64
	decideAt   int64
	bytes      int64

	evidenceKeys
	clientTraits
	trace [16]byte
	span  [8]byte
	by    Evidence // for trace

	byAge        *list.Element                   // in the list of those that last, or have ended
	undecided    *list.Element                   // nil where its trace is not looked for
	update       *list.Element                   // nil where no update waits for its delivery
	newer, older [evidenceCount]*rememberedLogin // with the same key
}

func (l *rememberedLogin) serverPlace() ServerInstance { return ServerInstance{l.system, l.instance} }

// interfacePerRequest is the interface at which every request is a session of its own: ClickHouse's HTTP. Its sessions follow each other
// closely on one address and port.
const interfacePerRequest = "HTTP"

// bytesOfLogin is what a login costs beside its texts: itself, its place in a list and in four maps.
const bytesOfLogin = int64(unsafe.Sizeof(rememberedLogin{})+unsafe.Sizeof(list.Element{})) + 4*32

// maxTextBytes bounds the texts of one login, so that a hostile one cannot push out thousands of others. Real ones have some
// hundred bytes.
const maxTextBytes = 4096

func rememberedTextBytes(e *session.Event, address string) int {
	return len(e.System) + len(e.Instance) + len(e.Host) + len(e.SessionID) + len(e.User) + len(e.UserHash) + len(address)
}

func (l *rememberedLogin) copyEvent(e *session.Event, address string) {
	l.copyTexts(e, address)
	l.uid, l.key, l.port = e.RecordID, e.SessionKey, e.ClientPort
	l.named = e.Kind == session.KindLogin
	l.outcome = e.Outcome
	if e.Kind == session.KindSessionStart && e.Outcome == session.OutcomeUnknown {
		l.outcome = session.OutcomeSuccess // or else none would have begun
	}
	l.failed = e.Outcome == session.OutcomeFailure
	l.brief = l.failed || e.Interface == interfacePerRequest
	l.start, l.end = e.Time, stillOpen
	if l.failed {
		l.end = e.Time
	}
	l.by = noTrace
	if e.TraceID != [16]byte{} {
		l.trace, l.span, l.by = e.TraceID, e.SpanID, ownTrace
	}
}

func (l *rememberedLogin) copyTexts(e *session.Event, address string) {
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
	// One text of its own: the event's strings may be parts of large blocks, which must not be kept alive.
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
	l.bytes = bytesOfLogin + int64(n)
}

func (l *rememberedLogin) isClientOf(a *SpanAttributes, by Evidence) bool {
	// The texts behind a hash that both share, so that no collision ties two strangers.
	switch by {
	case SessionID:
		return l.sessionID == a.SessionID
	case ClientPort:
		return l.port == a.Port && l.address == a.Address
	default:
		return l.user == a.User && l.address == a.Address
	}
}
