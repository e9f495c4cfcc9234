// Package sessionlog emits an application's logins, failed logins and logouts as OpenTelemetry log records, with the
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

	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/log/noop"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/otel-sessionlog/sessionlog/session"
)

// ScopeName is the instrumentation scope of the records.
const ScopeName = "github.com/otel-sessionlog/sessionlog/sdk"

// Logger emits authentication events. It is safe for concurrent use.
type Logger struct {
	otelLogger  log.Logger
	idGenerator idGenerator
	now         func() time.Time
}

// LoggerOption configures a [Logger].
type LoggerOption func(*Logger)

// Namespace names the sender: it is a part of every record id and session key, so that the session 4711 of two applications
// is not one. All processes of an application must give the same. The default is OTEL_SERVICE_NAME. Records that come from
// SDKs of other languages have service.name as their namespace, if they name no service.instance.id.
func Namespace(name string) LoggerOption { return func(l *Logger) { l.idGenerator.namespace = name } }

// NewLogger makes a logger; a provider of nil takes no records.
func NewLogger(provider log.LoggerProvider, opts ...LoggerOption) *Logger {
	if provider == nil {
		provider = noop.NewLoggerProvider()
	}
	l := &Logger{
		otelLogger:  provider.Logger(ScopeName, log.WithSchemaURL(semconv.SchemaURL)),
		idGenerator: newIDGenerator(os.Getenv("OTEL_SERVICE_NAME")),
		now:         time.Now,
	}
	for _, o := range opts {
		o(l)
	}
	return l
}

// Login emits the event of a successful login.
//
// With [Durable] it returns nil only when the event survives a loss of power, and an [ErrNotDurable] otherwise. Without, it
// returns an error only if a processor of this project could not keep the event; other processors report none. After an error the
// event may still arrive later.
func (l *Logger) Login(ctx context.Context, opts ...Option) error {
	return l.emitEvent(ctx, session.KindLogin, session.OutcomeSuccess, opts)
}

// Failure emits the event of a refused login; [ErrorType] and [Reason] say why. Its error is that of [Logger.Login].
func (l *Logger) Failure(ctx context.Context, opts ...Option) error {
	return l.emitEvent(ctx, session.KindLogin, session.OutcomeFailure, opts)
}

// Logout emits the end of a session; [SessionID] or [SessionToken] ties it to its login. Its error is that of [Logger.Login].
func (l *Logger) Logout(ctx context.Context, opts ...Option) error {
	return l.emitEvent(ctx, session.KindLogout, session.OutcomeSuccess, opts)
}

func (l *Logger) emitEvent(ctx context.Context, kind session.Kind, outcome session.Outcome, opts []Option) error {
	c := eventCall{}
	c.event.Kind, c.event.Outcome = kind, outcome
	c.applyOptions(contextOptions(ctx))
	c.applyOptions(opts)
	l.completeEvent(&c.event)
	return c.emitRecord(ctx, l.otelLogger)
}

func (l *Logger) completeEvent(e *session.Event) {
	e.User, _ = session.TextBeginning(e.User, maxTypedBytes)
	e.UserAgent, _ = session.TextBeginning(e.UserAgent, maxTypedBytes)
	now := l.now().UnixNano()
	if e.Time == 0 {
		e.Time = now
	}
	if e.Observed == 0 {
		e.Observed = now
	}
	if e.RecordID.IsZero() {
		e.RecordID = l.idGenerator.newRecordID(e.Time)
	}
	if e.SessionKey.IsZero() && e.SessionID != "" {
		e.SessionKey = l.idGenerator.sessionKey(e.SessionID)
	}
}

// maxTypedBytes is how many bytes of a user name or user agent are kept: a failed login may come with megabytes, more than a collector
// accepts in one request.
const maxTypedBytes = 1024
