package push

import (
	"errors"
	"slices"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/jsontree"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Documents of the Elastic Common Schema whose event.category holds authentication or session. Objects may be nested, or their keys be
// written with dots, as Beats and other shippers do it each in their own way.

func findECSField(item jsontree.Value, name string) jsontree.Value {
	if v := item.Get(name); v.Kind() != jsontree.Missing {
		return v
	}
	v := item
	for _, key := range strings.Split(name, ".") {
		v = v.Get(key)
	}
	return v
}

// ecsContains takes a list or a single value, and ignores case.
func ecsContains(list jsontree.Value, words ...string) bool {
	for _, word := range words {
		if strings.EqualFold(list.Peek(), word) {
			return true
		}
		for v := range list.Elements() {
			if strings.EqualFold(v.Peek(), word) {
				return true
			}
		}
	}
	return false
}

// ecsLogoutWords are parts of event.action, for events without an event.type of a logout.
var ecsLogoutWords = []string{"logout", "log-out", "logged-out", "logged_out", "logoff", "log-off", "logged-off", "sign-out", "signout", "session_closed"}

// ecsLoginWords are parts of event.action, for events without an event.category.
var ecsLoginWords = []string{"login", "log-in", "logged-in", "logged_in", "logon", "log-on", "logged-on", "sign-in", "signin", "signed-in", "authentication"}

// ecsUsers are the fields of the name, the best first.
var ecsUsers = []string{
	"user.name", "source.user.name", "client.user.name", "user.target.name", "user.effective.name", "user.audit.name", "user.email", "source.user.email", "client.user.email",
	"user.full_name", "source.user.full_name", "client.user.full_name",
}

var errNotECS = errors.New("no event.category: not a document of the Elastic Common Schema; send those whose event.category is authentication or session, and the log of Keycloak in this form to /v1/events/keycloak")

var errECSOutcome = errors.New("an event of category authentication that says neither event.outcome nor event.type nor event.action: send one of them, or it may be anything")

func containsAny(text string, words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) })
}

func ecsEventKind(item jsontree.Value) session.Kind {
	category := findECSField(item, "event.category")
	starts, otherwise := session.KindLogin, session.KindLogin
	types, action := findECSField(item, "event.type"), strings.ToLower(unwrapSingle(findECSField(item, "event.action")).Peek())
	switch {
	case ecsContains(category, "authentication"):
		if session.IsBesideLogin(action) {
			return session.KindSessionUpdate
		}
	case ecsContains(category, "session"):
		// The login that it follows has an event of its own.
		starts, otherwise = session.KindSessionStart, session.KindSessionUpdate
	case category.Kind() == jsontree.Missing && containsAny(action, ecsLogoutWords):
		return session.KindLogout
	case category.Kind() == jsontree.Missing && containsAny(action, ecsLoginWords):
	default:
		return session.KindUnknown
	}
	switch {
	case ecsContains(types, "end") && starts == session.KindLogin && ecsEventOutcome(item) == session.OutcomeFailure && !containsAny(action, ecsLogoutWords):
		return session.KindLogin // which failed, and so has ended
	case ecsContains(types, "end"):
		return session.KindLogout
	case ecsContains(types, "start"):
		return starts
	}
	if containsAny(action, ecsLogoutWords) {
		return session.KindLogout
	}
	if session.OutcomeOf(ecsOutcomeWord(item)) != session.OutcomeUnknown || containsAny(action, ecsLoginWords) {
		return otherwise
	}
	return session.KindUnknown
}

func readECSDocument(item jsontree.Value, r *Record) error {
	if r.Kind = ecsEventKind(item); r.Kind == session.KindUnknown {
		return ecsRefusal(item)
	}
	text := func(names ...string) string {
		for _, name := range names {
			if s := ecsFieldText(findECSField(item, name)); s != "" {
				return s
			}
		}
		return ""
	}
	r.Outcome = ecsEventOutcome(item)
	r.SourceEvent, r.ID, r.Original = text("event.action"), text("event.id"), text("event.original")
	r.System, r.Host = text("service.name", "event.module", "event.provider"), text("host.name", "host.hostname")
	if r.User = text(ecsUsers...); r.User == "" {
		setUserName(r.Event, unwrapSingle(findECSField(item, "user.name")))
	}
	r.UserID, r.UserHash = text("user.id", "source.user.id", "client.user.id", "user.target.id"), text("user.hash")
	r.Roles = appendTexts(r.Roles, findECSField(item, "user.roles"))
	r.ClientAddress = text("client.ip", "source.ip", "client.address", "source.address")
	if r.ClientPort = portNumber(unwrapSingle(findECSField(item, "client.port"))); r.ClientPort == 0 {
		r.ClientPort = portNumber(unwrapSingle(findECSField(item, "source.port")))
	}
	r.ClientHostname = text("client.domain", "source.domain")
	r.ServerAddress, r.ServerPort = text("server.address", "server.ip"), portNumber(findECSField(item, "server.port"))
	r.UserAgent, r.OS = text("user_agent.original"), text("user_agent.os.full")
	r.TLSVersion, r.TLSCipher = text("tls.version"), text("tls.cipher")
	r.PID, _ = findECSField(item, "process.pid").Int()
	r.Duration, _ = findECSField(item, "event.duration").Int() // nanoseconds
	if r.Outcome == session.OutcomeFailure {
		r.FailureReason, r.StatusCode = text("event.reason", "error.message"), text("error.code", "event.code")
		if r.ErrorType = text("error.type"); r.ErrorType == "" {
			r.ErrorType = session.ErrorOther
		}
	}
	if r.Outcome == session.OutcomeUnknown && ecsOutcomeWord(item) == "" {
		if r.ErrorType = text("error.type"); r.ErrorType != "" || r.Kind == session.KindLogout || r.Kind == session.KindSessionStart {
			r.Outcome = r.ImpliedOutcome()
		}
	}
	setECSTrace(item, r)
	return setEventTime(r.Event, unwrapSingle(findECSField(item, "@timestamp")))
}

// ecsRefusal says why a document without a kind is none of ours.
func ecsRefusal(item jsontree.Value) error {
	isMissing := func(name string) bool { return findECSField(item, name).Kind() == jsontree.Missing }
	switch category := findECSField(item, "event.category"); {
	case item.Get("event").Kind() != jsontree.Object && isMissing("event.category") && isMissing("event.action"):
		return errNotECS
	case ecsContains(category, "authentication") && isMissing("event.type") && isMissing("event.action"):
		return errECSOutcome
	}
	return ErrOther
}

func ecsFieldText(v jsontree.Value) string {
	if v = unwrapSingle(v); v.Kind() != jsontree.Array {
		return firstMeaningful(v)
	}
	for item := range v.Elements() { // a list of several is kept as an attribute too
		if s := item.Peek(); s != "" && !session.IsPlaceholder(s) {
			return s
		}
	}
	return ""
}

func ecsOutcomeWord(item jsontree.Value) string {
	return unwrapSingle(findECSField(item, "event.outcome")).Peek()
}

func ecsEventOutcome(item jsontree.Value) session.Outcome {
	if o := outcomeWord(unwrapSingle(findECSField(item, "event.outcome"))); o != session.OutcomeUnknown || ecsOutcomeWord(item) != "" {
		return o
	}
	switch types := findECSField(item, "event.type"); {
	case ecsContains(types, "denied", "error"):
		return session.OutcomeFailure
	case ecsContains(types, "allowed"):
		return session.OutcomeSuccess
	}
	return session.OutcomeUnknown
}

func setECSTrace(item jsontree.Value, r *Record) {
	trace, span := findECSField(item, "trace.id"), findECSField(item, "span.id")
	if session.DecodeHex(r.TraceID[:], trace.Peek()) {
		trace.MarkUsed()
		if session.DecodeHex(r.SpanID[:], span.Peek()) {
			span.MarkUsed()
		}
	}
}
