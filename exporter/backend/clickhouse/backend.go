// Package clickhouse keeps session events in ClickHouse: durable, each record once in every view at once, whichever and how
// many collectors write. README.md tells users the rest.
package clickhouse

import (
	"context"
	"iter"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
)

// store is the backend: a few connections, each of which writes one batch at a time.
type store struct {
	cfg  Config
	sql  statements
	log  *zap.Logger
	now  func() time.Time
	free chan *link // the connections that nobody uses

	flights   flights
	conflicts sync.Mutex // one writer at a time keeps versions aside, so that each is kept once

	ctx    context.Context // ends with Shutdown: what runs is interrupted when it runs out of time
	cancel context.CancelFunc
	stop   chan struct{} // closed by Shutdown: nothing more is taken
}

// New makes the backend; cfg is valid.
func New(cfg Config, set component.TelemetrySettings) (backend.Backend, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &store{
		cfg:    cfg,
		sql:    cfg.statements(),
		log:    set.Logger,
		now:    time.Now,
		free:   make(chan *link, cfg.MaxConnections),
		ctx:    ctx,
		cancel: cancel,
		stop:   make(chan struct{}),
	}
	for range cfg.MaxConnections {
		s.free <- &link{store: s}
	}
	return s, nil
}

// Start connects and brings the schema up to date.
func (s *store) Start(ctx context.Context) error {
	l := &link{store: s}
	defer l.close()
	return s.cfg.explain("starting", s.setUp(ctx, l))
}

// Write makes the batch durable over a connection of its own. A context that ends interrupts it; nobody knows then what is
// stored, and writing the batch again finds out.
func (s *store) Write(ctx context.Context, events iter.Seq2[int, *session.Event]) (backend.Result, error) {
	l, err := s.acquire(ctx)
	if err != nil {
		return backend.Result{}, err
	}
	defer s.release(l)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.ctx, func() { cancel(ErrStopped) })()

	w := &write{link: l, events: events, oldest: s.oldest()}
	if err := w.run(ctx); err != nil {
		if ctx.Err() != nil {
			return backend.Result{}, context.Cause(ctx)
		}
		return backend.Result{}, s.cfg.explain("writing", err)
	}
	return w.result, nil
}

func (s *store) acquire(ctx context.Context) (*link, error) {
	select {
	case <-s.stop:
		return nil, ErrStopped
	default:
	}
	select {
	case <-s.stop:
		return nil, ErrStopped
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case l := <-s.free:
		return l, nil
	}
}

func (s *store) release(l *link) { s.free <- l }

// Shutdown waits for the writes under way, then closes the connections. It is called at most once.
func (s *store) Shutdown(ctx context.Context) error {
	close(s.stop)
	defer s.cancel()
	interrupt := context.AfterFunc(ctx, s.cancel)
	defer interrupt()
	for range s.cfg.MaxConnections {
		(<-s.free).close()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
