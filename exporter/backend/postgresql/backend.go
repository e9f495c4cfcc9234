// Package postgresql keeps session events in PostgreSQL or Amazon Redshift: durable, each record once, whichever and how
// many collectors write. README.md tells users the rest.
package postgresql

import (
	"context"
	"iter"
	"math"
	"sync/atomic"
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

	files    []migration   // all of the dialect, but in tests
	patience time.Duration // lockPatience, but in tests

	partitions partitions
	breaks     atomic.Int64 // how many connections have broken

	ctx    context.Context // ends with Shutdown: what runs is interrupted when it runs out of time
	cancel context.CancelFunc
	stop   chan struct{} // closed by Shutdown: nothing more is taken
	kept   chan struct{} // closed when keeper has ended
}

// New makes the backend; cfg is valid.
func New(cfg Config, set component.TelemetrySettings) (backend.Backend, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &store{
		cfg:  cfg,
		sql:  cfg.statements(),
		log:  set.Logger,
		now:  time.Now,
		free: make(chan *link, cfg.MaxConnections),

		files:    migrations[cfg.Dialect],
		patience: lockPatience,

		ctx:    ctx,
		cancel: cancel,
		stop:   make(chan struct{}),
		kept:   make(chan struct{}),
	}
	for range cfg.MaxConnections {
		s.free <- newLink(s)
	}
	return s, nil
}

// Start connects, brings the schema up to date and starts the keeper of partitions and retention.
func (s *store) Start(ctx context.Context) error {
	err := s.keep(ctx, s.setUp)
	if err != nil {
		close(s.kept)
		return s.cfg.explain("starting", err)
	}
	go s.keeper()
	return nil
}

// Write makes the batch durable over a connection of its own. A context that ends interrupts it; once the commit has
// begun, its result counts.
func (s *store) Write(ctx context.Context, events iter.Seq2[int, *session.Event]) (backend.Result, error) {
	l, err := s.acquire(ctx)
	if err != nil {
		return backend.Result{}, err
	}
	defer s.release(l)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.ctx, func() { cancel(ErrStopped) })()

	w := &write{link: l, events: events}
	if err := w.span(ctx, math.MinInt, math.MaxInt); err != nil {
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

// Shutdown waits for the writes under way, then logs out. It is called at most once.
func (s *store) Shutdown(ctx context.Context) error {
	close(s.stop)
	defer s.cancel()
	interrupt := context.AfterFunc(ctx, s.cancel)
	defer interrupt()
	for range s.cfg.MaxConnections {
		(<-s.free).close()
	}
	<-s.kept
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
