package redshift

import (
	"context"
	"testing"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
)

func TestSource(t *testing.T) {
	s := cluster.Get(t)
	sourcetest.Run(t, func(t testing.TB) sourcetest.Place { return place(t, s, newTable(t, s)) })
}

func place(t testing.TB, s *redshift.Server, table string) sourcetest.Place {
	settings := func(o sourcetest.Options) Config {
		cfg := config(s, redshift.Collector)
		cfg.Table = table
		if o.BatchSize > 0 {
			cfg.BatchSize = o.BatchSize
		}
		if !o.From.IsZero() {
			cfg.Initial = o.From.Format(time.RFC3339Nano)
		}
		return cfg
	}
	return sourcetest.Place{
		Source:   func(t testing.TB, o sourcetest.Options) source.Source { return newSource(t, settings(o), "warehouse") },
		Add:      func(t testing.TB, rows ...sourcetest.Row) { insertLogins(t, s, table, rows...) },
		StartsAt: true,
		Hang: func(t testing.TB) (source.Source, <-chan struct{}) {
			return newSource(t, settings(sourcetest.Options{}), "warehouse"), lock(t, s, table)
		},
	}
}

// lock holds a table so that whoever reads it waits, and tells when somebody does.
func lock(t testing.TB, s *redshift.Server, table string) <-chan struct{} {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	hangs, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := s.TryQuery(ctx, "BEGIN; LOCK TABLE "+table+" IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600)")
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	eventually(t, "the lock", func() bool {
		return len(s.Query(t, "SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = '"+table+"'::regclass")) > 0
	})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for ctx.Err() == nil {
			rows, err := s.TryQuery(ctx, "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = '"+table+"'::regclass")
			if err == nil && len(rows) > 0 {
				close(hangs)
				return
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-watched
	})
	return hangs
}

func TestStopsAtOnceWhenTheServerIsSilent(t *testing.T) {
	s := cluster.Get(t)
	table := newTable(t, s)
	cfg := config(s, redshift.Collector)
	cfg.Table = table
	r := run(t, cfg, nil)
	r.whole(t)
	s.PostgreSQL.Freeze(t)
	defer s.PostgreSQL.Thaw(t)
	r.stop() // has a limit of its own
}
