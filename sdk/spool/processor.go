// Package spool keeps an application's authentication events on the disk until they are delivered: a processor for the
// OpenTelemetry SDK that never drops one.
//
// OnEmit returns when the record is in the spool, which one fsync for all who wait makes durable. From there the exporter gets
// the records in their order, again and again until it takes them, also after a crash: at least once, with the same
// log.record.uid, and so exactly once in the backends of this project. While the spool is full or the disk refuses, OnEmit waits;
// a caller that asked for a durable event gets an error in time.
package spool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/otel-sessionlog/sessionlog/sdk/internal/group"
	"github.com/otel-sessionlog/sessionlog/sdk/internal/receipt"
	"github.com/otel-sessionlog/sessionlog/sdk/otlprecord"
)

// Processor is a processor of the SDK for authentication events; it ignores other records. Shut it down, by
// its provider, after the last login: what is not delivered then stays on the disk for the next start.
type Processor struct {
	cfg       spoolConfig
	store     *segmentStore
	queue     *group.Queue[[]byte]
	exporter  sdklog.Exporter
	deliverer *spoolDeliverer
	once      sync.Once
	closed    chan struct{} // Shutdown has begun
}

var _ sdklog.Processor = (*Processor)(nil)

type spoolConfig struct {
	maxBytes      int64
	exportTimeout time.Duration
	isRefused     func(error) bool
}

// Option configures a [Processor].
type Option func(*spoolConfig)

// WithMaxBytes bounds what the spool takes on the disk. The default is 256 MiB, a quarter of a million logins; the least is
// 64 KiB.
func WithMaxBytes(n int64) Option { return func(c *spoolConfig) { c.maxBytes = n } }

// WithExportTimeout bounds each try to deliver. The default is 30 s.
func WithExportTimeout(d time.Duration) Option { return func(c *spoolConfig) { c.exportTimeout = d } }

// WithRefused is true for errors after which the exporter will never accept a record: it goes to the folder refused/ and those
// behind it go on. By default there are none, and a record that is never accepted holds up all behind it, until the spool is full:
// exporters do not say by a type of their own whether an error will pass.
func WithRefused(f func(error) bool) Option { return func(c *spoolConfig) { c.isRefused = f } }

// NewProcessor opens the spool in a folder, which it makes if need be and which must be this process's own and the same after
// a restart, and begins to deliver what it holds. The processor shuts the exporter down with itself.
func NewProcessor(dir string, exporter sdklog.Exporter, opts ...Option) (*Processor, error) {
	cfg := spoolConfig{maxBytes: 256 << 20, exportTimeout: 30 * time.Second, isRefused: func(error) bool { return false }}
	for _, o := range opts {
		o(&cfg)
	}
	switch {
	case dir == "":
		return nil, errors.New("spool: no folder: name one that survives a restart")
	case exporter == nil:
		return nil, errors.New("spool: no exporter: give the one that delivers the records")
	case cfg.maxBytes < 64<<10:
		return nil, fmt.Errorf("spool: WithMaxBytes(%d): must be 65536 or more", cfg.maxBytes)
	case cfg.exportTimeout <= 0:
		return nil, errors.New("spool: WithExportTimeout: must be positive")
	}
	s, err := openStore(dir, cfg.maxBytes)
	if err != nil {
		return nil, fmt.Errorf("spool: folder %q: %w", dir, err)
	}
	p := &Processor{cfg: cfg, store: s, exporter: exporter, closed: make(chan struct{})}
	p.queue = group.New(256, s.appendPayloads)
	p.deliverer = startDeliverer(cfg, s, exporter)
	return p, nil
}

// Enabled is true for records without an event name, or with that of an authentication event.
func (p *Processor) Enabled(_ context.Context, params sdklog.EnabledParameters) bool {
	return params.EventName == "" || otlprecord.IsEvent(params.EventName)
}

// OnEmit returns when the record is durable. It waits while it cannot be, as long as the context lasts that Login was given;
// records that did not come from this project's Logger wait without end, since nobody would learn that one was dropped.
func (p *Processor) OnEmit(ctx context.Context, r *sdklog.Record) error {
	if !otlprecord.IsEvent(r.EventName()) {
		return nil
	}
	payload, err := p.encodePayload(r)
	return receipt.KeepRecord(ctx, func(ctx context.Context) error {
		if err != nil {
			return receipt.PermanentError{Err: err}
		}
		return p.enqueuePayload(ctx, payload)
	})
}

// maxRecordBytes bounds a record: with a batch before it, it must fit into what a collector takes at once, which is 4 MiB by default.
// It would hold up all behind it otherwise.
const maxRecordBytes = 1 << 20

func (p *Processor) encodePayload(r *sdklog.Record) ([]byte, error) {
	payload, err := (&plog.ProtoMarshaler{}).MarshalLogs(otlprecord.Encode([]sdklog.Record{*r}))
	if most := min(p.cfg.maxBytes/2, maxRecordBytes); err == nil && int64(len(payload)) > most {
		err = fmt.Errorf("a record of %d bytes is more than the spool takes: %d bytes, or half of WithMaxBytes if that is less", len(payload), maxRecordBytes)
	}
	return payload, err
}

func (p *Processor) enqueuePayload(ctx context.Context, payload []byte) error {
	for {
		changed := p.store.nextChange()
		err := p.queue.Do(ctx, payload)
		if errors.Is(err, group.ErrClosed) {
			return receipt.PermanentError{Err: err}
		}
		if !errors.Is(err, errFull) {
			return err
		}
		select {
		case <-changed:
		case <-p.closed:
			return receipt.PermanentError{Err: group.ErrClosed}
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
}

// Pending is how many bytes wait for their delivery.
func (p *Processor) Pending() int64 { return p.store.pendingBytes() }

// ForceFlush waits until everything that is in the spool now has been delivered.
func (p *Processor) ForceFlush(ctx context.Context) error {
	target := p.store.endPosition()
	for {
		changed := p.store.nextChange()
		if p.store.isDeliveredUpTo(target) {
			return p.exporter.ForceFlush(ctx)
		}
		select {
		case <-changed:
		case <-p.deliverer.ended:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("spool: %d bytes are not delivered yet, and stay on the disk: %w", p.Pending(), context.Cause(ctx))
		}
	}
}

// Shutdown accepts no more records, returns an error to callers that still wait, delivers what is in the spool as long as the context lasts, and
// closes spool and exporter. An error that says that records stay on the disk says no more: they are delivered after the next start.
// The provider's own Shutdown waits for whoever waits instead, and does not get here once its context has ended: an application
// in which somebody may wait without a limit calls this one after it.
func (p *Processor) Shutdown(ctx context.Context) (err error) {
	p.once.Do(func() { err = p.deliverAndClose(ctx) })
	return err
}

func (p *Processor) deliverAndClose(ctx context.Context) error {
	close(p.closed)
	p.queue.Close()
	<-p.queue.Done() // at most one write and fsync
	errs := []error{p.ForceFlush(ctx)}
	p.deliverer.cancel()
	select {
	case <-p.deliverer.ended:
		errs = append(errs, p.exporter.Shutdown(ctx), p.deliverer.closeDeadLetter(), p.store.finishAndClose())
	case <-time.After(shutdownGrace): // the folder stays locked as long as such an exporter does not return
		errs = append(errs, errors.New("spool: the exporter ignores its context and is still exporting"), p.exporter.Shutdown(ctx))
	}
	return errors.Join(errs...)
}

// shutdownGrace is how long an exporter may take to notice that its context has ended.
const shutdownGrace = 2 * time.Second
