// Package sessionlog tells of an application's logins, failed logins and logouts as OpenTelemetry log records, with the
// attributes of docs/event.md and the trace that the context holds. It needs the logs API only: what becomes of the records is
// up to the provider.
//
// With a processor of package spool or blocking in the provider, [Durable] makes Login return only when the event is safe,
// so that an application can refuse a login that it could not record.
package sessionlog

import (
	"context"
	"os"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/log/noop"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/otel-sessionlog/sessionlog/session"
)

// ScopeName is the instrumentation scope of the records.
const ScopeName = "github.com/otel-sessionlog/sessionlog/sdk"

// Logger tells of authentication events. It is safe for concurrent use.
type Logger struct {
	out log.Logger
	ids ids
	now func() time.Time
}

// LoggerOption configures a [Logger].
type LoggerOption func(*Logger)

// Namespace names the sender: it is a part of every record id and session key, so that the session 4711 of two applications
// is not one. All processes of an application must give the same. The default is OTEL_SERVICE_NAME. Records that come from
// SDKs of other languages have service.name as their namespace, if they name no service.instance.id.
func Namespace(name string) LoggerOption { return func(l *Logger) { l.ids.namespace = name } }

// NewLogger makes a logger; a provider of nil takes no records.
func NewLogger(provider log.LoggerProvider, opts ...LoggerOption) *Logger {
	if provider == nil {
		provider = noop.NewLoggerProvider()
	}
	l := &Logger{
		out: provider.Logger(ScopeName, log.WithSchemaURL(semconv.SchemaURL)),
		ids: newIDs(os.Getenv("OTEL_SERVICE_NAME")),
		now: time.Now,
	}
	for _, o := range opts {
		o(l)
	}
	return l
}

// Login tells that somebody has logged in.
//
// With [Durable] it returns nil only when the event survives a loss of power, and an [ErrNotDurable] otherwise. Without, it
// returns an error only if a processor of this project's says that it could not keep the event; with other processors nobody
// learns. After an error the event may still arrive later: it was told, but nobody vouches for it.
func (l *Logger) Login(ctx context.Context, opts ...Option) error {
	return l.tell(ctx, session.KindLogin, session.OutcomeSuccess, opts)
}

// Failure tells that somebody has tried to log in and was turned away; [ErrorType] and [Reason] say why. Its error is that of
// [Logger.Login].
func (l *Logger) Failure(ctx context.Context, opts ...Option) error {
	return l.tell(ctx, session.KindLogin, session.OutcomeFailure, opts)
}

// Logout tells that a session has ended; [SessionID] or [SessionToken] ties it to its login. Its error is that of
// [Logger.Login].
func (l *Logger) Logout(ctx context.Context, opts ...Option) error {
	return l.tell(ctx, session.KindLogout, session.OutcomeSuccess, opts)
}

func (l *Logger) tell(ctx context.Context, kind session.Kind, outcome session.Outcome, opts []Option) error {
	c := call{}
	c.event.Kind, c.event.Outcome = kind, outcome
	c.apply(fromContext(ctx))
	c.apply(opts)
	l.complete(&c.event)
	return c.emit(ctx, l.out)
}

// complete fills in what the logger knows itself, and bounds what anybody may type. Ids do not hang on the clock alone: it may be
// set back, or stand still.
func (l *Logger) complete(e *session.Event) {
	e.User, e.UserAgent = cut(e.User), cut(e.UserAgent)
	now := l.now().UnixNano()
	if e.Time == 0 {
		e.Time = now
	}
	if e.Observed == 0 {
		e.Observed = now
	}
	if e.RecordID.IsZero() {
		e.RecordID = l.ids.record(e.Time)
	}
	if e.SessionKey.IsZero() && e.SessionID != "" {
		e.SessionKey = l.ids.session(e.SessionID)
	}
}

// mostTyped is how many bytes of a user name or user agent are told: whoever may fail to log in may do so with megabytes each time,
// more than a collector takes at once.
const mostTyped = 1024

func cut(s string) string {
	if len(s) <= mostTyped {
		return s
	}
	end := mostTyped
	for end > mostTyped-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
