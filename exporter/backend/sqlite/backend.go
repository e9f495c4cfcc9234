// Package sqlite keeps session events in one SQLite file: durable, each record once, readable by any SQLite client while
// it is written. README.md is for users.
package sqlite

import (
	"context"
	"iter"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/retention"
	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/session"
)

// eventStore is the backend: callers queue up before one writer.
type eventStore struct {
	cfg   Config
	log   *zap.Logger
	now   func() time.Time
	extra []string // statements that tests run on every new connection

	elapsed   func() time.Duration // by a clock that nobody can set
	deleted   metric.Int64Counter  // by ttl
	limits    partitionLimits
	tendEvery time.Duration
	longLog   int64 // bytes

	started bool
	queue   chan *writeRequest
	stop    chan struct{} // closed by Shutdown: nothing more is taken
	stopped chan struct{} // closed by the writer: all is closed

	ctx    context.Context // ends when Shutdown runs out of time: what runs is interrupted
	cancel context.CancelFunc
}

// meterScope is that of the exporter whose backend this is.
const meterScope = "github.com/otel-sessionlog/sessionlog/exporter/sessionlogexporter"

// New makes the backend; cfg is valid.
func New(cfg Config, set component.TelemetrySettings) (backend.Backend, error) {
	deleted, err := set.MeterProvider.Meter(meterScope).Int64Counter("otelcol_exporter_sessionlog_sqlite_deleted",
		metric.WithDescription("Records that ttl has deleted from SQLite, one by one or with their partition."), metric.WithUnit("{record}"))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &eventStore{
		ctx:     ctx,
		cancel:  cancel,
		cfg:     cfg,
		log:     set.Logger,
		now:     time.Now,
		queue:   make(chan *writeRequest, 1024),
		stop:    make(chan struct{}),
		stopped: make(chan struct{}),
		deleted: deleted,
		elapsed: retention.NewElapsedClock(),
		limits:  defaultPartitionLimits,
		longLog: longLog,

		tendEvery: idleCheckInterval,
	}, nil
}

func (s *eventStore) Start(ctx context.Context) error {
	w := &groupWriter{eventStore: s, guard: retention.NewGuard(s.log, s.now, s.elapsed), conditions: conditionlog.New(s.log, s.now), moveTimer: time.NewTimer(time.Hour)}
	if err := w.openUnlessDamaged(ctx); err != nil {
		w.closeRawFile()
		return err
	}
	s.started = true
	go w.serveRequests()
	return nil
}

// Write hands the events to the writer and waits for its commit. A context that ends takes the batch out of the queue, or
// out of the transaction under way; once the commit has begun, its result counts.
func (s *eventStore) Write(ctx context.Context, events iter.Seq2[int, *session.Event]) (backend.Result, error) {
	r := &writeRequest{ctx: ctx, events: events, contentHash: backend.NewContentHash(), done: make(chan struct{})}
	err := s.serve(r)
	return r.result, err
}

func (s *eventStore) WriteWithFates(ctx context.Context, events iter.Seq2[int, *session.Event], hash backend.ContentHash) (backend.Result, []backend.Fate, error) {
	r := &writeRequest{ctx: ctx, events: events, contentHash: hash, tellsFates: true, done: make(chan struct{})}
	err := s.serve(r)
	return r.result, r.fates, err
}

func (s *eventStore) serve(r *writeRequest) error {
	select {
	case <-s.stop:
		return ErrStopped
	case <-s.stopped:
		return ErrStopped
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	case s.queue <- r:
	}
	select {
	case <-r.done:
	case <-r.ctx.Done():
		if r.claimOnce() {
			return context.Cause(r.ctx)
		}
		<-r.done // the writer is walking the events: it sees the context itself
	case <-s.stopped: // it was queued while the writer stopped
		if r.claimOnce() {
			return ErrStopped
		}
		<-r.done
	}
	return r.err
}

// Shutdown lets the writes that wait be committed, then closes the file. It may be called without Start, but not twice.
func (s *eventStore) Shutdown(ctx context.Context) error {
	close(s.stop)
	defer s.cancel()
	if !s.started {
		return nil
	}
	select {
	case <-s.stopped:
		return nil
	case <-ctx.Done():
		s.cancel()
		<-s.stopped
		return context.Cause(ctx)
	}
}
