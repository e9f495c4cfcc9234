package plogs

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Records of others, in the dialects that exist: a login-like event name with user.* or enduser.*, ECS's event.*, the audit.* draft, and
// aspnetcore.identity.*. docs/event.md says what of them becomes what. Records of ours are known by their event name and never come here.

// wild is what a record in a foreign dialect says that is no field yet.
type wild struct {
	name, action, actionKey string // of the event
	nameOutcome, outcome    session.Outcome
	user                    [wildUsers]string // candidates for the user's name, the best first
	userID                  string
	address                 [wildAddresses]string // of the client's address, the best first
	port                    int32
	portKey                 string
	reason, reasonKey       string
	result                  string // of a sign-in: the reason where nothing says more
	class                   string // of the failure, where there is no error.type
}

// The candidates for the user's name where there is no user.name.
const (
	wildEnduser = iota
	wildActor
	wildSourceUser
	wildClientUser
	wildTargetUser
	wildEffectiveUser
	wildEmail
	wildFullName
	wildUsers
)

// The candidates for the client's address where there is no client.address.
const (
	wildClientIP = iota
	wildSourceIP
	wildSource
	wildAudit
	wildPeer
	wildAddresses
)

var (
	wildUserKeys = [wildUsers]string{
		wildEnduser: "enduser.id", wildActor: "audit.actor.id", wildSourceUser: "source.user.name", wildClientUser: "client.user.name",
		wildTargetUser: "user.target.name", wildEffectiveUser: "user.effective.name", wildEmail: "user.email", wildFullName: "user.full_name",
	}
	wildAddressKeys = [wildAddresses]string{
		wildClientIP: "client.ip", wildSourceIP: "source.ip", wildSource: "source.address", wildAudit: "audit.source.id", wildPeer: "network.peer.address",
	}
)

// The keys by which a dialect is known. event.name is the deprecated spelling of EventName.
const (
	keyEventName     = "event.name"
	keyEventCategory = "event.category"
	keyEventType     = "event.type"
	keyEventAction   = "event.action"
	keyEventOutcome  = "event.outcome"
	keyAuditAction   = "audit.action"
	keySignInResult  = "aspnetcore.identity.sign_in.result"
)

// wildKind tells what a record of others is, by its event name, or by the attributes that only its dialect has.
func wildKind(lr plog.LogRecord) session.Kind {
	if kind, _ := parseName(lr.EventName()); kind != session.KindUnknown {
		return kind
	}
	var e ecs
	for key, v := range lr.Attributes().All() {
		switch key {
		case keyOTelEventName, keyEventName:
			if kind, _ := parseName(v.Str()); kind != session.KindUnknown {
				return kind
			}
		case keyAuditAction:
			if kind, _ := parseAction(v.Str()); kind != session.KindUnknown {
				return kind
			}
		case keySignInResult:
			return session.KindLogin
		case keyEventCategory:
			e.authentication = holds(v, "authentication") || holds(v, "session")
		case keyEventType:
			e.start, e.end = holds(v, "start"), holds(v, "end")
		case keyEventAction:
			e.kind, _ = parseAction(v.Str())
		case keyEventOutcome:
			e.outcome = session.OutcomeOf(text(v))
		}
	}
	return e.verdict()
}

// ecs is what event.* says together: category and type, failing that the action, failing that an outcome, which only a login has.
type ecs struct {
	authentication, start, end bool
	kind                       session.Kind
	outcome                    session.Outcome
}

func (e ecs) verdict() session.Kind {
	switch {
	case !e.authentication:
		return session.KindUnknown
	case e.end:
		return session.KindLogout
	case e.start:
		return session.KindLogin
	case e.kind != session.KindUnknown:
		return e.kind
	case e.outcome != session.OutcomeUnknown:
		return session.KindLogin
	}
	return session.KindUnknown
}

// holds looks for a word, in any case, in a list, or in the one text in its place.
func holds(v pcommon.Value, word string) bool {
	if v.Type() != pcommon.ValueTypeSlice {
		return strings.EqualFold(v.Str(), word)
	}
	for i := range v.Slice().Len() {
		if strings.EqualFold(v.Slice().At(i).Str(), word) {
			return true
		}
	}
	return false
}

// wildAttributes reads a record in a dialect of others. What ours has too is read as ours, and first: it counts more, in
// whichever order a sender's map of attributes happens to come.
func (d *Decoder) wildAttributes(lr plog.LogRecord) {
	d.wild = wild{name: lr.EventName()}
	_, d.wild.nameOutcome = parseName(d.wild.name)
	for key, v := range lr.Attributes().All() {
		if r := readers[key]; r != nil && key != keyOTelEventName && key != keyEventName {
			r.read(d, only(v))
		}
	}
	for key, v := range lr.Attributes().All() {
		if read := wildReaders[key]; read != nil {
			read(d, key, only(v))
		} else if readers[key] == nil {
			d.keep(key, v)
		}
	}
	d.settle()
}

// only takes a value out of a list of one: shippers write an ECS field either way.
func only(v pcommon.Value) pcommon.Value {
	if v.Type() == pcommon.ValueTypeSlice && v.Slice().Len() == 1 {
		return v.Slice().At(0)
	}
	return v
}

// settle turns what was found into fields, where those do not hold something better. What is said otherwise there is kept.
func (d *Decoder) settle() {
	e, w := &d.event, &d.wild
	if e.UserID == "" {
		e.UserID = w.userID
	}
	if e.ErrorType == "" {
		e.ErrorType = w.class
	}
	for i, name := range w.user {
		if e.User == "" && !e.UserEmpty {
			e.User = name
		} else if name != "" && name != e.User && name != e.UserID {
			e.Extra = append(e.Extra, session.Attr{Key: wildUserKeys[i], Value: name})
		}
	}
	for i, address := range w.address {
		if e.ClientAddress == "" {
			e.ClientAddress = address
		} else if address != "" && address != e.ClientAddress {
			e.Extra = append(e.Extra, session.Attr{Key: wildAddressKeys[i], Value: address})
		}
	}
	if e.ClientPort == 0 {
		e.ClientPort = w.port
	} else if w.port != 0 && w.port != e.ClientPort {
		e.Extra = append(e.Extra, session.Attr{Key: w.portKey, Value: strconv.Itoa(int(w.port)), Type: session.AttrInt})
	}
	if e.Outcome == session.OutcomeUnknown {
		e.Outcome = w.verdict()
	}
	if e.Outcome == session.OutcomeUnknown && !d.said {
		d.imply()
	}
	w.settleReason(e)
	w.settleName(e)
}

// settleReason prefers a sentence to the result of a sign-in, which is one word.
func (w *wild) settleReason(e *session.Event) {
	if w.reason == "" {
		w.reason, w.reasonKey = w.result, keySignInResult
	} else if w.result != "" {
		e.Extra = append(e.Extra, session.Attr{Key: keySignInResult, Value: w.result})
	}
	switch {
	case w.reason == "":
	case e.FailureReason == "" && e.Outcome == session.OutcomeFailure:
		e.FailureReason = w.reason
	default:
		e.Extra = append(e.Extra, session.Attr{Key: w.reasonKey, Value: w.reason})
	}
}

// verdict is the outcome by what says it best. What the rest of the event implies is left to [session.Event.ImpliedOutcome].
func (w *wild) verdict() session.Outcome {
	if w.outcome != session.OutcomeUnknown {
		return w.outcome
	}
	return w.nameOutcome
}

// settleName keeps the sender's own word for the event: its name, and beside that its action.
func (w *wild) settleName(e *session.Event) {
	switch {
	case e.SourceEvent != "" || w.name != "":
		if w.action != "" {
			e.Extra = append(e.Extra, session.Attr{Key: w.actionKey, Value: w.action})
		}
		if e.SourceEvent == "" {
			e.SourceEvent = w.name
		} else if w.name != "" {
			e.Extra = append(e.Extra, session.Attr{Key: keyOTelEventName, Value: w.name})
		}
	default:
		e.SourceEvent = w.action
	}
}
