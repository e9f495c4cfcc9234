package postgresql

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

var schemas atomic.Int64

// testConfig is that of a fresh schema of Alice's, who is no superuser.
func testConfig(t testing.TB, s *postgresql.Server) Config {
	cfg := accountConfig(s)
	cfg.Schema = fmt.Sprintf("test_%d", schemas.Add(1))
	rowsOfMany(t, cfg, "CREATE SCHEMA "+cfg.Schema)
	return cfg
}

func accountConfig(s *postgresql.Server) Config {
	cfg := DefaultConfig()
	cfg.Endpoints = []string{s.Address}
	cfg.Username, cfg.Password, cfg.Database = server.Alice.Name, configopaque.String(server.Alice.Password), server.AppDB
	return cfg
}

// usedSchemas are those that a test before has left, by the server's address.
var usedSchemas = struct {
	sync.Mutex
	of map[string][]string
}{of: map[string][]string{}}

// usedConfig is that of a schema whose tables are there from a test before, and empty: making them takes longer than most tests. The months of their records stay.
func usedConfig(t testing.TB, s *postgresql.Server) (cfg Config) {
	usedSchemas.Lock()
	all := usedSchemas.of[s.Address]
	if len(all) == 0 {
		usedSchemas.Unlock()
		cfg = testConfig(t, s)
	} else {
		usedSchemas.of[s.Address] = all[:len(all)-1]
		usedSchemas.Unlock()
		cfg = accountConfig(s)
		cfg.Schema = all[len(all)-1]
		rowsOfMany(t, cfg, "DELETE FROM session_events; DELETE FROM session_conflicts; DELETE FROM sessionlog_settings; DELETE FROM session_seals; DELETE FROM session_seal_pages; "+
			"DELETE FROM session_hours; DELETE FROM session_pairs; DELETE FROM session_uncounted")
	}
	t.Cleanup(func() {
		usedSchemas.Lock()
		defer usedSchemas.Unlock()
		usedSchemas.of[s.Address] = append(usedSchemas.of[s.Address], cfg.Schema)
	})
	return cfg
}

// newStore is not started; who starts it stops it.
func newStore(t testing.TB, cfg Config) *eventStore {
	require.NoError(t, cfg.Validate())
	b, err := New(cfg, componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	return b.(*eventStore)
}

func startStore(t testing.TB, cfg Config) *eventStore {
	s := newStore(t, cfg)
	require.NoError(t, s.Start(t.Context()))
	t.Cleanup(func() { stopStore(t, s) })
	return s
}

func stopStore(t testing.TB, s *eventStore) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	require.NoError(t, s.Shutdown(ctx))
}

func seq(events ...*session.Event) iter.Seq2[int, *session.Event] {
	return func(yield func(int, *session.Event) bool) {
		for i, e := range events {
			if !yield(i, e) {
				return
			}
		}
	}
}

// typical yields the events of these numbers in one reused event, as decoders do.
func typical(from, to int) iter.Seq2[int, *session.Event] {
	return func(yield func(int, *session.Event) bool) {
		var e session.Event
		for n := from; n < to; n++ {
			sessiontest.Typical(&e, n)
			if !yield(n-from, &e) {
				return
			}
		}
	}
}

func write1(t testing.TB, s *eventStore, events iter.Seq2[int, *session.Event]) backend.Result {
	t.Helper()
	res, err := s.Write(t.Context(), events)
	require.NoError(t, err)
	return res
}

func readAll(t testing.TB, cfg Config) (all []*session.Event) {
	t.Helper()
	for e, err := range backendtest.StoredEvents(context.Background(), openKeptReader, cfg, "record_id") {
		require.NoError(t, err)
		c := &session.Event{}
		e.CopyTo(c)
		all = append(all, c)
	}
	return all
}

// rowsOf runs SQL as the backend's account, and prints cells as psql does; NULL is the word NULL.
func rowsOf(t testing.TB, cfg Config, sql string) (rows backendtest.Rows) {
	t.Helper()
	conn := handConns.take(t, cfg)
	defer handConns.keep(cfg, conn)
	results := conn.Exec(t.Context(), sql)
	for results.NextResult() {
		result := results.ResultReader()
		for _, f := range result.FieldDescriptions() {
			rows.Columns = append(rows.Columns, f.Name)
		}
		for result.NextRow() {
			var cells []string
			for _, cell := range result.Values() {
				if cell == nil {
					cell = []byte("NULL")
				}
				cells = append(cells, string(cell))
			}
			rows.Cells = append(rows.Cells, cells)
		}
	}
	require.NoError(t, results.Close(), sql)
	return rows
}
