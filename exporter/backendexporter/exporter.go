// Package backendexporter is an exporter for the OpenTelemetry SDK that writes an application's authentication events straight
// into a backend of this project, without a collector.
package backendexporter

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/sdk/otlprecord"
	"github.com/otel-sessionlog/sessionlog/session/deadletter"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// Exporter writes to one backend. Give it to a processor of package blocking or spool: the SDK's own drop records when the
// backend is away.
type Exporter struct {
	backend          backend.Backend
	dir              string
	deadLetterWriter *deadletter.Writer

	mu     sync.Mutex
	decode *plogs.Decoder
	closed bool
}

var _ sdklog.Exporter = (*Exporter)(nil)

// Option configures an [Exporter].
type Option func(*exporterSettings)

type exporterSettings struct {
	set component.TelemetrySettings
	dir string
}

// WithLogger has the backend log its own doings; by default it is silent.
func WithLogger(log *zap.Logger) Option { return func(s *exporterSettings) { s.set.Logger = log } }

// WithDeadLetter names the folder for records that the backend can never take, JSON lines as the collector's exporter writes
// them. Without one such a record is an error of Export, each time.
func WithDeadLetter(dir string) Option { return func(s *exporterSettings) { s.dir = dir } }

// New opens a backend and makes its exporter, which closes it:
//
//	cfg := sqlite.DefaultConfig()
//	cfg.Path = "/var/lib/shop/session_log.db"
//	exporter, err := backendexporter.New(ctx, sqlite.New, cfg)
//
// Its errors are those of the configuration, and of the backend's start.
func New[C interface{ Validate() error }](ctx context.Context, open func(C, component.TelemetrySettings) (backend.Backend, error), cfg C, opts ...Option) (*Exporter, error) {
	s := exporterSettings{set: component.TelemetrySettings{
		Logger: zap.NewNop(), TracerProvider: otel.GetTracerProvider(), MeterProvider: otel.GetMeterProvider(), Resource: pcommon.NewResource(),
	}}
	for _, o := range opts {
		o(&s)
	}
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("backendexporter: %w", err)
	}
	store, err := open(cfg, s.set)
	if err != nil {
		return nil, fmt.Errorf("backendexporter: %w", err)
	}
	e := &Exporter{backend: store, dir: s.dir, decode: plogs.NewDecoder()}
	if err := e.startBackend(ctx); err != nil {
		return nil, fmt.Errorf("backendexporter: %w", errors.Join(err, store.Shutdown(ctx)))
	}
	return e, nil
}

func (e *Exporter) startBackend(ctx context.Context) (err error) {
	if e.dir != "" {
		if e.deadLetterWriter, err = deadletter.Open(e.dir, "exporter/backendexporter"); err != nil {
			return err
		}
	}
	return e.backend.Start(ctx)
}

var errClosed = fmt.Errorf("backendexporter: none of these records was kept: %w", sdklog.ErrExporterShutdown)

// Export returns nil when every record is durable, once: in the backend, or in the dead letter. It does not try again by itself.
// Records that are no authentication events are an error; those beside them are written all the same.
func (e *Exporter) Export(ctx context.Context, records []sdklog.Record) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errClosed
	}
	ld := otlprecord.Encode(records)
	result, err := e.backend.Write(ctx, e.decode.All(ld))
	if err != nil {
		return err
	}
	if result.Conflicts > 0 {
		otel.Handle(fmt.Errorf("backendexporter: %d records have the id of another that says something else: kept in session_conflicts", result.Conflicts))
	}
	return errors.Join(e.keepRejected(ctx, records, result.Rejected), refuseNotEvents(ld))
}

func (e *Exporter) keepRejected(ctx context.Context, records []sdklog.Record, list []backend.Rejection) error {
	for _, r := range list {
		reason := errors.New(r.Reason)
		if e.deadLetterWriter == nil {
			return consumererror.NewPermanent(fmt.Errorf("backendexporter: %d records refused, the first because %w", len(list), reason))
		}
		if err := e.deadLetterWriter.Write(ctx, otlprecord.Encode(records[r.Index:r.Index+1]), reason); err != nil {
			return err
		}
	}
	return nil
}

func refuseNotEvents(ld plog.Logs) error {
	n := 0
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				if !plogs.IsEvent(lr) {
					n++
				}
			}
		}
	}
	if n == 0 {
		return nil
	}
	return consumererror.NewPermanent(fmt.Errorf("backendexporter: %d records are no authentication events and were not kept: give this exporter a provider, or a processor, of its own", n))
}

// ForceFlush has nothing to flush: Export returns when the records are durable.
func (e *Exporter) ForceFlush(context.Context) error { return nil }

// Shutdown closes the backend.
func (e *Exporter) Shutdown(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	errs := []error{e.backend.Shutdown(ctx)}
	if e.deadLetterWriter != nil {
		errs = append(errs, e.deadLetterWriter.Close())
	}
	return errors.Join(errs...)
}

// IsRefused reports whether an error is one after which another try is no use; it is made for spool.WithRefused.
func IsRefused(err error) bool { return consumererror.IsPermanent(err) }
