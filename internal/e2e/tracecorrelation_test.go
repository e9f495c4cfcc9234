package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/logins"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// otelTraces is the table of contrib's clickhouse exporter, as far as queries see it.
const otelTraces = `CREATE TABLE otel_traces (
	Timestamp DateTime64(9), TraceId String, SpanId String, ParentSpanId String, TraceState String, SpanName LowCardinality(String),
	SpanKind LowCardinality(String), ServiceName LowCardinality(String), ResourceAttributes Map(LowCardinality(String), String), ScopeName String,
	ScopeVersion String, SpanAttributes Map(LowCardinality(String), String), Duration UInt64, StatusCode LowCardinality(String), StatusMessage String,
	Events Nested (Timestamp DateTime64(9), Name LowCardinality(String), Attributes Map(LowCardinality(String), String)),
	Links Nested (TraceId String, SpanId String, TraceState String, Attributes Map(LowCardinality(String), String)),
	INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1
) ENGINE = MergeTree PARTITION BY toDate(Timestamp) ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))`

// TestTraceCorrelationExample runs examples/trace-correlation: two requests of an application, one that logs in for its query and
// one that takes a connection that has been open for longer, their spans in otel_traces, and the example's queries between the two.
func TestTraceCorrelationExample(t *testing.T) {
	t.Parallel()
	s := testengine.ClickHouse(t, testengine.LogsOnDemand()) // told flushes them
	s.Exec(t, otelTraces)
	col := newCollector(t, "", "")
	col.config = filepath.Join(root, "examples/trace-correlation/collector.yaml")
	col.env = environment(map[string]string{
		"CLICKHOUSE": s.Native, "CLICKHOUSE_USER": server.Audit.Name, "CLICKHOUSE_PASSWORD": server.Audit.Password, "SETTLE": "2s",
		"TABLES": s.Native, "TABLES_USER": server.Admin.Name, "TABLES_PASSWORD": server.Admin.Password, "TABLES_DATABASE": "default", "SESSIONLOG_DATA": col.dir,
	})
	col.start(t)

	client := logins.New(s.Native, s.HTTP)
	defer client.Close()
	pool, pooled, err := client.Open(t.Context(), logins.Attempt{User: server.Alice.Name, Password: server.Alice.Password, ClientName: "pool"})
	require.NoError(t, err)
	told := func(kind string, n int) {
		t.Helper()
		flushed := time.Time{}
		require.Eventually(t, func() bool {
			if time.Since(flushed) > 2*time.Second { // more than once, for the server writes what it has done behind its answer
				s.FlushLogs(t)
				flushed = time.Now()
			}
			rows, err := s.TryQuery(t.Context(), "SELECT count() FROM session_events WHERE user_name = 'alice' AND kind = '"+kind+"'")
			return err == nil && rows[0][0] == fmt.Sprint(n) // no table yet
		}, arrival, 2*quick, "%d of %s", n, kind)
	}
	told("login", 1) // before its first traced query

	checkout, search := request(t, s, "POST /checkout"), request(t, s, "GET /search")
	require.NoError(t, pool.Query(trace.ContextWithRemoteSpanContext(t.Context(), checkout), "SELECT 1"))
	direct, err := client.Login(t.Context(), logins.Attempt{
		Protocol: logins.HTTP, User: server.Alice.Name, Password: server.Alice.Password,
		TraceParent: fmt.Sprintf("00-%s-%s-01", search.TraceID(), search.SpanID()),
	})
	require.NoError(t, err)
	told("session.update", 1)
	told("login", 2)
	require.NoError(t, pool.Close())
	col.stop(t)

	port := func(l logins.Login) string { return fmt.Sprint(l.LocalAddr.Port()) }
	rows := s.Query(t, example(t, "login_to_trace.sql"))
	require.Len(t, rows, 4, "two spans for each login")
	for i, want := range [][]string{{port(pooled), "TCP", checkout.TraceID().String()}, {port(direct), "HTTP", search.TraceID().String()}} {
		for _, row := range rows[2*i : 2*i+2] {
			require.Equal(t, []string{"127.0.0.1", want[0], want[1], "query_log", want[2]}, row[1:6])
			require.Equal(t, "shop", row[7])
		}
		require.Equal(t, []string{"SERVER", "CLIENT"}, []string{rows[2*i][8], rows[2*i+1][8]})
	}

	for id, want := range map[trace.TraceID][]string{
		checkout.TraceID(): {port(pooled), "shop: POST /checkout"},
		search.TraceID():   {port(direct), "shop: GET /search"},
	} {
		rows := s.Query(t, strings.Replace(example(t, "trace_to_login.sql"), "0af7651916cd43dd8448eb211c80319c", id.String(), 1))
		require.Len(t, rows, 1)
		require.Equal(t, []string{"alice", "success", "clickhouse", "warehouse"}, rows[0][1:5])
		require.Equal(t, []string{"password", "127.0.0.1", want[0]}, rows[0][6:9])
		require.Equal(t, []string{"query_log", want[1]}, rows[0][10:12])
	}
}

func example(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "examples/trace-correlation", name))
	require.NoError(t, err)
	return string(text)
}

// request writes the two spans that an application's request leaves in otel_traces, and returns the context of the inner one, which
// its queries carry on.
func request(t *testing.T, s *testengine.Server, name string) trace.SpanContext {
	t.Helper()
	var c trace.SpanContextConfig
	copy(c.TraceID[:], "trace of "+name+strings.Repeat(".", 16))
	copy(c.SpanID[:], "to query")
	c.TraceFlags = trace.FlagsSampled
	s.Exec(t, fmt.Sprintf(`INSERT INTO otel_traces (Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, Duration) VALUES
		(now64(9) - 1, '%[1]s', '0102030405060708', '', '%[3]s', 'SERVER', 'shop', 2000000),
		(now64(9), '%[1]s', '%[2]s', '0102030405060708', 'SELECT', 'CLIENT', 'shop', 1000000)`, c.TraceID, c.SpanID, name))
	return trace.NewSpanContext(c)
}
