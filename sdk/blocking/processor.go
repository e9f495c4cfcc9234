// Package blocking makes an application's logins wait until they are delivered: a processor for the OpenTelemetry SDK that
// keeps nothing, neither in memory nor on the disk, and so never drops a record.
//
// OnEmit returns when the exporter has taken the record. How durable it is then is up to what is behind the exporter: a
// backend of this project has committed it; a collector with this project's exporter has, too, with its default settings.
package blocking

import (
	"context"
	"errors"
	"sync"
	"time"

	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/otel-sessionlog/sessionlog/sdk/internal/group"
	"github.com/otel-sessionlog/sessionlog/sdk/internal/receipt"
	"github.com/otel-sessionlog/sessionlog/sdk/otlprecord"
)

// Processor is a processor of the SDK for authentication events; it ignores other records.
type Processor struct {
	exporter  sdklog.Exporter
	timeout   time.Duration
	isRefused func(error) bool
	queue     *group.Queue[sdklog.Record]
	ctx       context.Context // of the exports; Shutdown ends it
	cancel    context.CancelFunc
	once      sync.Once
}

var _ sdklog.Processor = (*Processor)(nil)

// Option configures a [Processor].
type Option func(*Processor)

// WithExportTimeout bounds each try to deliver. The default is 30 s.
func WithExportTimeout(d time.Duration) Option { return func(p *Processor) { p.timeout = d } }

// WithRefused is true for errors after which the exporter will never accept a record: its caller gets the error at once, and the records
// that were exported with it are tried alone. By default every error is tried again.
func WithRefused(f func(error) bool) Option { return func(p *Processor) { p.isRefused = f } }

const maxBatchRecords = 512

// NewProcessor makes a processor. It shuts the exporter down with itself.
func NewProcessor(exporter sdklog.Exporter, opts ...Option) *Processor {
	p := &Processor{exporter: exporter, timeout: 30 * time.Second, isRefused: func(error) bool { return false }}
	for _, o := range opts {
		o(p)
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.queue = group.New(maxBatchRecords, p.exportBatch)
	return p
}

func (p *Processor) exportBatch(records []sdklog.Record) []error {
	err := p.tryExport(records)
	if err == nil {
		return nil
	}
	errs := make([]error, len(records))
	for i := range errs {
		// One by one, so that a bad one does not fail the others.
		if errs[i] = err; p.isRefused(err) && len(records) > 1 {
			errs[i] = p.tryExport(records[i : i+1])
		}
		if errs[i] != nil && p.isRefused(errs[i]) {
			errs[i] = receipt.PermanentError{Err: errs[i]}
		}
	}
	return errs
}

func (p *Processor) tryExport(records []sdklog.Record) error {
	ctx, cancel := context.WithTimeout(p.ctx, p.timeout)
	defer cancel()
	return p.exporter.Export(ctx, records)
}

// Enabled is true for records without an event name, or with that of an authentication event.
func (p *Processor) Enabled(_ context.Context, params sdklog.EnabledParameters) bool {
	return params.EventName == "" || otlprecord.IsEvent(params.EventName)
}

// OnEmit returns when the exporter has taken the record. It tries as long as the context lasts that Login was given; records
// that did not come from this project's Logger are tried without end, since nobody would learn that one was dropped.
func (p *Processor) OnEmit(ctx context.Context, r *sdklog.Record) error {
	if !otlprecord.IsEvent(r.EventName()) {
		return nil
	}
	kept := r.Clone()
	return receipt.KeepRecord(ctx, func(ctx context.Context) error {
		err := p.queue.Do(ctx, kept)
		if errors.Is(err, group.ErrClosed) {
			return receipt.PermanentError{Err: err}
		}
		return err
	})
}

// ForceFlush has nothing of its own to flush: whoever emitted a record waits for it.
func (p *Processor) ForceFlush(ctx context.Context) error { return p.exporter.ForceFlush(ctx) }

// Shutdown returns an error to callers that still wait, lets the export in progress end as long as the context lasts, and shuts the exporter
// down. The provider's own Shutdown waits for them instead, and does not get here once its context has ended: an application in
// which somebody may wait without a limit calls this one after it.
func (p *Processor) Shutdown(ctx context.Context) (err error) {
	p.once.Do(func() { err = p.shutdownQueue(ctx) })
	return err
}

func (p *Processor) shutdownQueue(ctx context.Context) error {
	p.queue.Close()
	defer p.cancel()
	select {
	case <-p.queue.Done():
		return p.exporter.Shutdown(ctx)
	case <-ctx.Done():
		p.cancel()
	}
	select {
	case <-p.queue.Done():
		return p.exporter.Shutdown(ctx)
	case <-time.After(shutdownGrace):
		return errors.Join(errors.New("blocking: the exporter ignores its context and is still exporting"), p.exporter.Shutdown(ctx))
	}
}

// shutdownGrace is how long an exporter may take to notice that its context has ended.
const shutdownGrace = 2 * time.Second
