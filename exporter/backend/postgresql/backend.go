// Package postgresql keeps session events in PostgreSQL: durable, each record once, whichever and how
// many collectors write. README.md is for users.
package postgresql

import (
	"context"
	"iter"
	"math"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/migrations"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/pool"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/retention"
	"github.com/otel-sessionlog/sessionlog/session"
)

// eventStore is the backend: a few connections, each of which writes one batch at a time.
type eventStore struct {
	cfg  Config
	sql  writeStatements
	log  *zap.Logger
	now  func() time.Time
	pool *pool.Pool[*serverConn]

	elapsed     func() time.Duration // by a clock that nobody can set
	serverClock func(context.Context, *pgconn.PgConn) (time.Time, error)
	files       []migrations.File // all of them, but in tests
	views       []migrations.View // likewise
	lockTimeout time.Duration     // defaultLockTimeout, but in tests
	countEvery  time.Duration     // countInterval, but in tests

	guard      *retention.Guard
	ttl        time.Duration // the one in force; set by Start
	partitions knownPartitions
	breaks     atomic.Int64 // how many connections have broken
	written    atomic.Int64 // rows since the last round of maintenance
	uncounted  atomic.Int64 // rows since the last round of counting

	maintenanceEnded chan struct{} // closed when maintenance has ended; nil before it runs
}

// New makes the backend; cfg is valid.
func New(cfg Config, set component.TelemetrySettings) (backend.Backend, error) {
	cfg.WarnOfPlaintext(set.Logger)
	s := &eventStore{
		cfg: cfg,
		sql: cfg.newStatements(),
		log: set.Logger,
		now: time.Now,
		ttl: cfg.TTL,

		elapsed:     retention.NewElapsedClock(),
		serverClock: readServerClock,
		files:       allMigrations,
		views:       allViews,
		lockTimeout: defaultLockTimeout,
		countEvery:  countInterval,
	}
	links := make([]*serverConn, cfg.MaxConnections)
	for i := range links {
		links[i] = newServerConn(s)
	}
	s.pool = pool.New(ErrStopped, links...)
	return s, nil
}

func (s *eventStore) Start(ctx context.Context) error {
	s.guard = retention.NewGuard(s.log, s.now, s.elapsed)
	// The first write has the connection at once.
	err := s.pool.Do(ctx, func(ctx context.Context, l *serverConn) (err error) {
		if err = l.ensureConnected(ctx); err == nil {
			err = s.setUpSchema(ctx, l.conn)
		}
		if err != nil {
			l.closeConn()
		}
		return err
	})
	if err != nil {
		return s.cfg.explainError("starting", err)
	}
	s.maintenanceEnded = make(chan struct{})
	go s.runMaintenance()
	return nil
}

// Write makes the batch durable over a connection of its own. A context that ends interrupts it; once the commit has
// begun, its result counts.
func (s *eventStore) Write(ctx context.Context, events iter.Seq2[int, *session.Event]) (backend.Result, error) {
	result, _, err := s.WriteWithFates(ctx, events, backend.NewContentHash())
	return result, err
}

func (s *eventStore) WriteWithFates(ctx context.Context, events iter.Seq2[int, *session.Event], hash backend.ContentHash) (result backend.Result, fates []backend.Fate, err error) {
	err = s.pool.Do(ctx, func(ctx context.Context, l *serverConn) error {
		w := &batchWrite{serverConn: l, events: events, contentHash: hash}
		err := w.writeSpan(ctx, math.MinInt, math.MaxInt)
		result, fates = w.result, w.fates
		return s.cfg.explainError("writing", err)
	})
	if err != nil {
		return backend.Result{}, nil, err
	}
	s.written.Add(int64(result.Written))
	s.uncounted.Add(int64(result.Written))
	return result, fates, nil
}

// Shutdown waits for the writes under way, then logs out. It is called at most once.
func (s *eventStore) Shutdown(ctx context.Context) error {
	err := s.pool.Shutdown(ctx, (*serverConn).closeConn)
	if s.maintenanceEnded != nil {
		<-s.maintenanceEnded
	}
	return err
}

// WriteSize implements [backend.SharedWriter]: of fewer records in a transaction, its commit counts.
func (s *eventStore) WriteSize() backend.WriteSize {
	return backend.WriteSize{Enough: 2048, AtOnce: s.cfg.MaxConnections}
}
