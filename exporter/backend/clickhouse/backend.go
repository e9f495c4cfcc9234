// Package clickhouse keeps session events in ClickHouse: durable, each record once in every view at once, whichever and how
// many collectors write. README.md is for users.
package clickhouse

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
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

	files []migrations.File // all of them, but in tests
	views []migrations.View // likewise

	guard      *retention.Guard
	ttl        time.Duration // the one in force; set by Start
	background sync.WaitGroup

	inFlight         inFlightIDs
	keepingConflicts sync.Mutex // one writer at a time keeps versions aside, so that each is kept once
}

// New makes the backend; cfg is valid.
func New(cfg Config, set component.TelemetrySettings) (backend.Backend, error) {
	cfg.WarnOfPlaintext(set.Logger)
	s := &eventStore{cfg: cfg, sql: cfg.newStatements(), log: set.Logger, now: time.Now, ttl: cfg.TTL, files: allMigrations, views: allViews}
	links := make([]*serverConn, cfg.MaxConnections)
	for i := range links {
		links[i] = &serverConn{eventStore: s}
	}
	s.pool = pool.New(ErrStopped, links...)
	return s, nil
}

func (s *eventStore) Start(ctx context.Context) error {
	s.guard = retention.NewGuard(s.log, s.now, retention.NewElapsedClock())
	l := &serverConn{eventStore: s}
	defer l.closeConn()
	if err := s.requireOneServer(ctx); err != nil {
		return s.cfg.explainError("starting", err)
	}
	if err := s.setUpSchema(ctx, l); err != nil {
		return s.cfg.explainError("starting", err)
	}
	if err := s.resolveQuorum(ctx, l); err != nil { // in the database, which is there by now
		return s.cfg.explainError("starting", err)
	}
	if s.guard.AwaitsConfirmation() {
		s.background.Go(s.remindOfTTL)
	}
	s.completeNodesSoon(ctx, l)
	return nil
}

func (s *eventStore) resolveQuorum(ctx context.Context, l *serverConn) error {
	if s.cfg.Cluster == "" || s.cfg.Quorum != quorumAuto {
		return nil
	}
	// With auto, ClickHouse 26.7 answers every insert where no shard has a second replica with error 319, "could not verify quorum".
	replicas, err := l.queryNumber(ctx, "SELECT toString(max(replica_num)) AS text FROM system.clusters WHERE cluster = "+configclickhouse.QuoteText(s.cfg.Cluster))
	if replicas == 1 {
		s.cfg.Quorum = "1"
		s.sql = s.cfg.newStatements()
	}
	if refused := (*configclickhouse.Exception)(nil); errors.As(err, &refused) { // who may not read system.clusters keeps auto
		return nil
	}
	return err
}

// Write makes the batch durable over a connection of its own. A context that ends interrupts it; nobody knows then what is
// stored, and writing the batch again finds out.
func (s *eventStore) Write(ctx context.Context, events iter.Seq2[int, *session.Event]) (backend.Result, error) {
	result, _, err := s.WriteWithFates(ctx, events, backend.NewContentHash())
	return result, err
}

func (s *eventStore) WriteWithFates(ctx context.Context, events iter.Seq2[int, *session.Event], hash backend.ContentHash) (result backend.Result, fates []backend.Fate, err error) {
	err = s.pool.Do(ctx, func(ctx context.Context, l *serverConn) error {
		if err := s.followClock(ctx, l); err != nil {
			return s.cfg.explainError("reading the server's clock", err)
		}
		w := &batchWrite{serverConn: l, events: events, contentHash: hash, oldest: s.guard.OldestKept(s.ttl)}
		err := w.writeBatch(ctx)
		if result = w.result; err == nil {
			fates = w.fatesByIndex()
		}
		return s.cfg.explainError("writing", err)
	})
	if err != nil {
		return backend.Result{}, nil, err
	}
	return result, fates, nil
}

// Shutdown waits for the writes under way, then closes the connections. It is called at most once.
func (s *eventStore) Shutdown(ctx context.Context) error {
	err := s.pool.Shutdown(ctx, (*serverConn).closeConn)
	s.background.Wait()
	return err
}

// WriteSize implements [backend.SharedWriter]: an insert costs the server 60 to 90 ms of processor time and more for each row (bench/README.md).
func (s *eventStore) WriteSize() backend.WriteSize {
	return backend.WriteSize{Enough: 8192, AtOnce: s.cfg.MaxConnections}
}
