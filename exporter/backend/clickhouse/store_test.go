package clickhouse

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
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
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// protocols are the two ways to a server.
var protocols = []string{"native", "http"}

func endpoint(s *testengine.Server, protocol string) string {
	if protocol == "http" {
		return "http://" + s.HTTP
	}
	return "clickhouse://" + s.Native
}

var databases atomic.Int64

// testConfig is the default with a database of its own, which Start makes.
func testConfig(t testing.TB, s *testengine.Server, protocol string) Config {
	cfg := DefaultConfig()
	cfg.serversAsked = 1 // several servers stand behind the address of one test alone
	cfg.Endpoints = []string{endpoint(s, protocol)}
	cfg.Username, cfg.Password = server.Admin.Name, configopaque.String(server.Admin.Password)
	cfg.Database = fmt.Sprintf("test_%d", databases.Add(1))
	t.Cleanup(func() {
		if !t.Failed() {
			_, _ = s.TryQuery(context.Background(), "DROP DATABASE IF EXISTS "+cfg.Database)
		}
	})
	return cfg
}

// usedConfig is that of a database whose tables are there from the test before, and empty: making a schema takes longer than most tests.
func usedConfig(t testing.TB, s *testengine.Server, protocol string) Config {
	cfg := testConfig(t, s, protocol)
	cfg.Database = "used"
	s.Exec(t, "CREATE DATABASE IF NOT EXISTS used")
	truncateStoringTables(t, s, cfg.Database, "", "")
	return cfg
}

// newStore is not started; who starts it stops it.
func newStore(t testing.TB, cfg Config) *eventStore {
	require.NoError(t, cfg.Validate())
	b, err := New(cfg, componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	return b.(*eventStore)
}

func startedStore(t testing.TB, cfg Config) *eventStore {
	s := newStore(t, cfg)
	require.NoError(t, s.Start(t.Context()))
	return s
}

func startStore(t testing.TB, cfg Config) *eventStore {
	s := startedStore(t, cfg)
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

var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// ask runs SQL as its author wrote it and returns the server's answer in its default format.
func ask(t testing.TB, s *testengine.Server, database, sql, format string) string {
	t.Helper()
	target := url.URL{Scheme: "http", Host: s.HTTP, RawQuery: url.Values{"database": {database}, "default_format": {format}, "wait_end_of_query": {"1"}}.Encode()}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target.String(), strings.NewReader(sql))
	require.NoError(t, err)
	request.Header.Set("X-ClickHouse-User", server.Admin.Name)
	request.Header.Set("X-ClickHouse-Key", server.Admin.Password)
	response, err := client.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, "%s\n%s", sql, body)
	return string(body)
}

// rowsOf runs SQL and reads the answer as clickhouse-client prints it; NULL is the word NULL.
func rowsOf(t testing.TB, s *testengine.Server, database, sql string) (rows backendtest.Rows) {
	t.Helper()
	text := ask(t, s, database, sql, "TabSeparatedWithNames")
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		cells := strings.Split(line, "\t")
		for j, cell := range cells {
			if cell == `\N` {
				cells[j] = "NULL"
				continue
			}
			cells[j] = unescape.Replace(cell)
		}
		if i == 0 {
			rows.Columns = cells
			continue
		}
		rows.Cells = append(rows.Cells, cells)
	}
	return rows
}

var unescape = strings.NewReplacer(`\\`, `\`, `\t`, "\t", `\n`, "\n", `\'`, `'`, `\r`, "\r", `\0`, "\x00", `\b`, "\b", `\f`, "\f")

// count is the one number that a query answers with.
func count(t testing.TB, s *testengine.Server, cfg Config, sql string) string {
	t.Helper()
	return rowsOf(t, s, cfg.Database, sql).Cells[0][0]
}
