package postgresql

import (
	"context"
	"fmt"
	"iter"
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

// testConfig is the default with a fresh schema of Alice's, who is no superuser.
func testConfig(t testing.TB, s *postgresql.Server) Config {
	cfg := DefaultConfig()
	cfg.Endpoints = []string{s.Address}
	cfg.Username, cfg.Password, cfg.Database = server.Alice.Name, configopaque.String(server.Alice.Password), server.AppDB
	cfg.Schema = fmt.Sprintf("test_%d", schemas.Add(1))
	s.ExecIn(t, server.AppDB, "CREATE SCHEMA "+cfg.Schema+" AUTHORIZATION "+server.Alice.Name)
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
	for e, err := range backendtest.StoredEvents(context.Background(), OpenQueryStore, cfg, "record_id") {
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
	s := &eventStore{cfg: cfg, log: componenttest.NewNopTelemetrySettings().Logger}
	conn, err := s.openServerConn(t.Context())
	require.NoError(t, err)
	defer closeGracefully(conn)
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
