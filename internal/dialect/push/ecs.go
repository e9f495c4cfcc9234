package push

import (
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/push/tree"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Documents of the Elastic Common Schema whose event.category holds authentication or session. Objects may be nested, or their keys be
// written with dots, as Beats and other shippers do it each in their own way.

// ecsField finds a field in either spelling.
func ecsField(item tree.Value, name string) tree.Value {
	if v := item.Get(name); v.Kind() != tree.Missing {
		return v
	}
	v := item
	for _, key := range strings.Split(name, ".") {
		v = v.Get(key)
	}
	return v
}

// ecsHas tells whether a list, or the one value in its place, holds a word.
func ecsHas(list tree.Value, words ...string) bool {
	for _, word := range words {
		if list.Is(word) {
			return true
		}
		for v := range list.Elements() {
			if v.Is(word) {
				return true
			}
		}
	}
	return false
}

// ecsLeaving are parts of event.action that tell a logout where event.type does not.
var ecsLeaving = []string{"logout", "log-out", "logged-out", "logged_out", "logoff", "log-off", "logged-off", "sign-out", "signout", "session_closed"}

// ecsOutcomes are the values of event.outcome.
var ecsOutcomes = map[string]session.Outcome{
	"success": session.OutcomeSuccess, "failure": session.OutcomeFailure, "unknown": session.OutcomeUnknown,
}

// ecsKind takes what is of the category session alone for what follows a login, which has an event of its own.
func ecsKind(item tree.Value) session.Kind {
	category := ecsField(item, "event.category")
	starts, otherwise := session.KindLogin, session.KindLogin
	switch {
	case ecsHas(category, "authentication"):
	case ecsHas(category, "session"):
		starts, otherwise = session.KindSessionStart, session.KindSessionUpdate
	default:
		return session.KindUnknown
	}
	types, action := ecsField(item, "event.type"), strings.ToLower(ecsField(item, "event.action").Peek())
	switch {
	case ecsHas(types, "end"):
		return session.KindLogout
	case ecsHas(types, "start"):
		return starts
	}
	for _, word := range ecsLeaving {
		if strings.Contains(action, word) {
			return session.KindLogout
		}
	}
	if outcome := ecsField(item, "event.outcome"); outcome.Is("success") || outcome.Is("failure") {
		return otherwise
	}
	return session.KindUnknown
}

func readECS(item tree.Value, r *Record) error {
	if r.Kind = ecsKind(item); r.Kind == session.KindUnknown {
		return ErrOther
	}
	text := func(names ...string) string {
		for _, name := range names {
			if s := ecsField(item, name).Str(); s != "" {
				return s
			}
		}
		return ""
	}
	r.Outcome = translated(ecsOutcomes, ecsField(item, "event.outcome"))
	r.SourceEvent, r.ID, r.Original = text("event.action"), text("event.id"), text("event.original")
	r.System, r.Host = text("service.name", "event.module", "event.provider"), text("host.name", "host.hostname")
	setUser(r.Event, ecsField(item, "user.name"))
	r.UserID, r.UserHash = text("user.id"), text("user.hash")
	r.Roles = texts(r.Roles, ecsField(item, "user.roles"))
	r.ClientAddress = address(text("client.ip", "source.ip", "client.address", "source.address"))
	if r.ClientPort = port(ecsField(item, "client.port")); r.ClientPort == 0 {
		r.ClientPort = port(ecsField(item, "source.port"))
	}
	r.ClientHostname = text("client.domain", "source.domain")
	r.ServerAddress, r.ServerPort = text("server.address", "server.ip"), port(ecsField(item, "server.port"))
	r.UserAgent, r.OS = text("user_agent.original"), text("user_agent.os.full")
	r.TLSVersion, r.TLSCipher = text("tls.version"), text("tls.cipher")
	r.PID, _ = ecsField(item, "process.pid").Int()
	r.Duration, _ = ecsField(item, "event.duration").Int() // nanoseconds
	if r.Outcome == session.OutcomeFailure {
		r.FailureReason, r.StatusCode = text("event.reason", "error.message"), text("error.code", "event.code")
		if r.ErrorType = text("error.type"); r.ErrorType == "" {
			r.ErrorType = session.ErrorOther
		}
	}
	ecsTrace(item, r)
	return setTime(r.Event, ecsField(item, "@timestamp"), time.Millisecond)
}

// ecsTrace takes trace.id and span.id where they are W3C's.
func ecsTrace(item tree.Value, r *Record) {
	trace, span := ecsField(item, "trace.id"), ecsField(item, "span.id")
	if session.Unhex(r.TraceID[:], trace.Peek()) {
		trace.Take()
		if session.Unhex(r.SpanID[:], span.Peek()) {
			span.Take()
		}
	}
}
