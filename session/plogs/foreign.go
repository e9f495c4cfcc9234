package plogs

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/session"
)

// foreignRecord has the values of a record in a foreign dialect (a login-like event name with user.* or enduser.*, ECS's event.*, the
// audit.* draft, aspnetcore.identity.*; docs/event.md has the mapping) that are not yet assigned to a field.
type foreignRecord struct {
	eventName, action, actionKey string // of the event
	nameOutcome, outcome         session.Outcome
	userNames                    [foreignUserCount]string // candidates for the user's name, the best first
	userID                       string
	addresses                    [foreignAddressCount]string // of the client's address, the best first
	port                         int32
	portKey                      string
	failureReason, reasonKey     string
	signInResult                 string // of a sign-in: the reason where nothing says more
	errorType                    string // of the failure, where there is no error.type
}

// The candidates for the user's name where there is no user.name.
const (
	foreignEnduser = iota
	foreignActor
	foreignSourceUser
	foreignClientUser
	foreignTargetUser
	foreignEffectiveUser
	foreignEmail
	foreignFullName
	foreignUserCount
)

// The candidates for the client's address where there is no client.address.
const (
	foreignClientIP = iota
	foreignSourceIP
	foreignSourceAddress
	foreignAuditSource
	foreignPeer
	foreignAddressCount
)

var (
	foreignUserKeys = [foreignUserCount]string{
		foreignEnduser: "enduser.id", foreignActor: "audit.actor.id", foreignSourceUser: "source.user.name", foreignClientUser: "client.user.name",
		foreignTargetUser: "user.target.name", foreignEffectiveUser: "user.effective.name", foreignEmail: "user.email", foreignFullName: "user.full_name",
	}
	foreignAddressKeys = [foreignAddressCount]string{
		foreignClientIP: "client.ip", foreignSourceIP: "source.ip", foreignSourceAddress: "source.address", foreignAuditSource: "audit.source.id", foreignPeer: "network.peer.address",
	}
)

// The keys by which a dialect is known. event.name is the deprecated spelling of EventName.
const (
	keyEventName     = "event.name"
	keyEventCategory = "event.category"
	keyEventType     = "event.type"
	keyEventAction   = "event.action"
	keyEventOutcome  = session.AttrECSOutcome
	keyAuditAction   = "audit.action"
	keySignInResult  = "aspnetcore.identity.sign_in.result"
)

func foreignKind(lr plog.LogRecord) session.Kind {
	if kind, _ := parseForeignName(lr.EventName()); kind != session.KindUnknown {
		return kind
	}
	var e ecsEvent
	for key, v := range lr.Attributes().All() {
		switch key {
		case keyOTelEventName, keyEventName:
			if kind, _ := parseForeignName(v.Str()); kind != session.KindUnknown {
				return kind
			}
		case keyAuditAction:
			if kind, _ := parseForeignAction(v.Str()); kind != session.KindUnknown {
				return kind
			}
		case keySignInResult:
			return session.KindLogin
		case keyEventCategory:
			e.login = containsWord(v, "authentication")
			e.session = containsWord(v, "session")
		case keyEventType:
			e.start, e.end = containsWord(v, "start"), containsWord(v, "end")
		case keyEventAction:
			e.kind, _ = parseForeignAction(v.Str())
			e.beside = session.IsBesideLogin(v.Str())
		case keyEventOutcome:
			e.outcome = session.OutcomeOf(textValue(v))
		}
	}
	return e.impliedKind()
}

// ecsEvent decides by category and type, failing that by the action, failing that by an outcome, which only a login has.
type ecsEvent struct {
	login, session, start, end, beside bool
	kind                               session.Kind
	outcome                            session.Outcome
}

func (e ecsEvent) impliedKind() session.Kind {
	switch {
	case !e.login && !e.session:
		return session.KindUnknown
	case e.login && e.beside:
		return session.KindSessionUpdate
	case e.end && e.login && e.kind != session.KindLogout && e.outcome == session.OutcomeFailure:
		return session.KindLogin // which failed, and so has ended
	case e.end:
		return session.KindLogout
	case e.start && !e.login:
		return session.KindSessionStart
	case e.start:
		return session.KindLogin
	case e.kind != session.KindUnknown:
		return e.kind
	case e.outcome != session.OutcomeUnknown && e.login:
		return session.KindLogin
	case e.outcome != session.OutcomeUnknown:
		return session.KindSessionUpdate
	}
	return session.KindUnknown
}

// containsWord ignores case, and takes a list or a single text.
func containsWord(v pcommon.Value, word string) bool {
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

func (d *Decoder) readForeignAttributes(lr plog.LogRecord) {
	d.foreign = foreignRecord{eventName: lr.EventName()}
	_, d.foreign.nameOutcome = parseForeignName(d.foreign.eventName)
	// Keys of our own vocabulary have precedence, in whichever order the attributes come.
	for key, v := range lr.Attributes().All() {
		if r := mappingsByKey[key]; r != nil && key != keyOTelEventName && key != keyEventName {
			r.read(d, unwrapSingle(v))
		}
	}
	for key, v := range lr.Attributes().All() {
		if read := foreignReaders[key]; read != nil {
			read(d, key, unwrapSingle(v))
		} else if mappingsByKey[key] == nil {
			d.keepAttribute(key, v)
		}
	}
	d.resolveForeign()
}

// unwrapSingle unwraps a list of one: shippers write an ECS field either way.
func unwrapSingle(v pcommon.Value) pcommon.Value {
	if v.Type() == pcommon.ValueTypeSlice && v.Slice().Len() == 1 {
		return v.Slice().At(0)
	}
	return v
}

func (d *Decoder) resolveForeign() {
	e, w := &d.event, &d.foreign
	if e.UserID == "" {
		e.UserID = w.userID
	}
	if e.ErrorType == "" {
		e.ErrorType = w.errorType
	}
	for i, name := range w.userNames {
		if e.User == "" && !e.UserEmpty {
			e.User = name
		} else if name != "" && name != e.User && name != e.UserID {
			e.Extra = append(e.Extra, session.Attr{Key: foreignUserKeys[i], Value: name})
		}
	}
	for i, address := range w.addresses {
		if e.ClientAddress == "" {
			e.ClientAddress = address
		} else if address != "" && address != e.ClientAddress {
			e.Extra = append(e.Extra, session.Attr{Key: foreignAddressKeys[i], Value: address})
		}
	}
	if e.ClientPort == 0 {
		e.ClientPort = w.port
	} else if w.port != 0 && w.port != e.ClientPort {
		e.Extra = append(e.Extra, session.Attr{Key: w.portKey, Value: strconv.Itoa(int(w.port)), Type: session.AttrInt})
	}
	if e.Outcome == session.OutcomeUnknown {
		e.Outcome = w.bestOutcome()
	}
	if e.Outcome == session.OutcomeUnknown && !d.saysUnknown {
		d.setImpliedOutcome()
	}
	w.resolveReason(e)
	w.resolveSourceEvent(e)
}

func (w *foreignRecord) resolveReason(e *session.Event) {
	// A sentence is better than the result of a sign-in, which is one word.
	if w.failureReason == "" {
		w.failureReason, w.reasonKey = w.signInResult, keySignInResult
	} else if w.signInResult != "" {
		e.Extra = append(e.Extra, session.Attr{Key: keySignInResult, Value: w.signInResult})
	}
	switch {
	case w.failureReason == "":
	case e.FailureReason == "" && e.Outcome == session.OutcomeFailure:
		e.FailureReason = w.failureReason
	default:
		e.Extra = append(e.Extra, session.Attr{Key: w.reasonKey, Value: w.failureReason})
	}
}

func (w *foreignRecord) bestOutcome() session.Outcome {
	if w.outcome != session.OutcomeUnknown {
		return w.outcome
	}
	return w.nameOutcome
}

func (w *foreignRecord) resolveSourceEvent(e *session.Event) {
	switch {
	case e.SourceEvent != "" || w.eventName != "":
		if w.action != "" {
			e.Extra = append(e.Extra, session.Attr{Key: w.actionKey, Value: w.action})
		}
		if e.SourceEvent == "" {
			e.SourceEvent = w.eventName
		} else if w.eventName != "" {
			e.Extra = append(e.Extra, session.Attr{Key: keyOTelEventName, Value: w.eventName})
		}
	default:
		e.SourceEvent = w.action
	}
}
