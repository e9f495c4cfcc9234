package e2e

import (
	"bytes"
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/logins"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// TestSessionTraceExample runs examples/sessiontrace: logins of a real ClickHouse, spans of the OTel SDK over OTLP, and a
// login that an application tells of itself. The server's log is flushed by hand, so that it is known which comes first.
func TestSessionTraceExample(t *testing.T) {
	t.Parallel()
	s := testengine.ClickHouse(t, testengine.LogsOnDemand())
	shop := startShop(t, s.Native)
	client := logins.New(s.Native, s.HTTP)
	defer client.Close()

	// The span comes first: the login's record bears its trace as it passes.
	bob, login, err := client.Open(t.Context(), logins.Attempt{User: server.Bob.Name, Password: server.Bob.Password})
	require.NoError(t, err)
	early := shop.query(t, login.LocalAddr)
	require.NotContains(t, shop.passed(t, early), "sessionlog.login.uid", "its login is not known yet")
	s.FlushLogs(t)
	row := shop.row(t, "SELECT record_id, lower(hex(trace_id)), correlation FROM session_events WHERE user_name = 'bob' AND kind = 'login'")
	require.Equal(t, []string{early.TraceID().String(), "client_address_port"}, row[1:])

	// The login comes first: the span bears the user, and an update ties the login to the trace.
	alice, login, err := client.Open(t.Context(), logins.Attempt{User: server.Alice.Name, Password: server.Alice.Password})
	require.NoError(t, err)
	s.FlushLogs(t)
	row = shop.row(t, "SELECT lower(hex(record_id)), trace_id FROM session_events WHERE user_name = 'alice' AND kind = 'login'")
	require.Equal(t, null, row[1])
	late := shop.query(t, login.LocalAddr)
	span := shop.passed(t, late)
	require.Equal(t, "alice", span["user.name"])
	require.Equal(t, "client_address_port", span["sessionlog.correlation"])
	require.Equal(t, row[0], string(bytes.ReplaceAll([]byte(span["sessionlog.login.uid"].(string)), []byte("-"), nil)))
	update := shop.row(t, "SELECT lower(hex(trace_id)), attributes FROM session_events WHERE user_name = 'alice' AND kind = 'session.update'")
	require.Equal(t, late.TraceID().String(), update[0])
	require.Contains(t, update[1], span["sessionlog.login.uid"])
	require.Equal(t, []string{late.TraceID().String()}, shop.row(t, "SELECT trace_id FROM sessions WHERE user_name = 'alice'"))

	shop.questions(t, late)

	// A login of the application itself, and its next page.
	shop.login(t, "web-7", "carol")
	shop.row(t, "SELECT 1 FROM session_events WHERE user_name = 'carol'")
	span = shop.passed(t, shop.page(t, "web-7"))
	require.Equal(t, "carol", span["user.name"])
	require.Equal(t, "session_id", span["sessionlog.correlation"])

	_, login, err = client.Open(t.Context(), logins.Attempt{User: server.Dave.Name, Password: "wrong"})
	require.NoError(t, err)
	require.False(t, login.OK)
	require.NoError(t, bob.Close())
	require.NoError(t, alice.Close())
	s.WaitQuery(t, "SELECT count() FROM system.session_log WHERE type = 'Logout' AND user IN ('alice', 'bob')", func(rows [][]string) bool {
		s.FlushLogs(t)
		return rows[0][0] == "2"
	})
	shop.row(t, "SELECT 1 FROM session_events WHERE user_name = 'dave'")
	shop.row(t, "SELECT 1 WHERE (SELECT count(*) FROM session_events WHERE kind = 'logout' AND user_name IN ('alice', 'bob')) = 2")
	shop.stop(t)

	// The metrics, as told at the end.
	require.EqualValues(t, 1, shop.counted(t, "sessionlog.logins", map[string]any{
		"db.system.name": "clickhouse", "sessionlog.outcome": "failure", "error.type": "invalid_credentials",
	}))
	require.EqualValues(t, 1, shop.counted(t, "sessionlog.logins", map[string]any{"sessionlog.outcome": "success"}), "the application's own")
	require.EqualValues(t, 1, shop.counted(t, "sessionlog.session.open", map[string]any{}))
}

// shop is an application with an OTel SDK, and the collector of the example.
type shop struct {
	*collector
	spans *sdktrace.TracerProvider
	logs  *sdklog.LoggerProvider
}

func startShop(t *testing.T, clickhouse string) *shop {
	t.Helper()
	otlp, data := freeAddress(t), t.TempDir()
	env := environment(map[string]string{
		"OTLP_GRPC": otlp, "OTLP_HTTP": freeAddress(t), "SESSIONLOG_DATA": data,
		"CLICKHOUSE": clickhouse, "CLICKHOUSE_USER": server.Audit.Name, "CLICKHOUSE_PASSWORD": server.Audit.Password,
	})
	col := &collector{config: filepath.Join(root, "examples/sessiontrace/collector.yaml"), dir: data, env: env}
	t.Cleanup(func() {
		if col.cmd != nil {
			col.kill(t)
		}
		if t.Failed() {
			t.Logf("the collector's log:\n%s", col.log)
		}
	})
	col.start(t)
	waitFor(t, otlp)
	spans, err := otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpoint(otlp), otlptracegrpc.WithInsecure())
	require.NoError(t, err)
	records, err := otlploggrpc.New(t.Context(), otlploggrpc.WithEndpoint(otlp), otlploggrpc.WithInsecure())
	require.NoError(t, err)
	res := resource.NewSchemaless(attribute.String("service.name", "shop"))
	s := &shop{
		collector: col,
		spans:     sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans), sdktrace.WithResource(res)),
		logs:      sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewSimpleProcessor(records)), sdklog.WithResource(res)),
	}
	t.Cleanup(func() {
		_ = s.spans.Shutdown(context.Background())
		_ = s.logs.Shutdown(context.Background())
	})
	return s
}

// query is the span of a query over a connection whose end here is local.
func (s *shop) query(t *testing.T, local netip.AddrPort) trace.SpanContext {
	t.Helper()
	return s.span(t, trace.SpanKindClient, attribute.String("db.system.name", "clickhouse"), attribute.String("db.query.text", "SELECT 1"),
		attribute.String("network.local.address", local.Addr().String()), attribute.Int("network.local.port", int(local.Port())))
}

// page is the span of a page that a browser's session asks for.
func (s *shop) page(t *testing.T, session string) trace.SpanContext {
	t.Helper()
	return s.span(t, trace.SpanKindServer, attribute.String("http.request.method", "GET"), attribute.String("session.id", session))
}

func (s *shop) span(t *testing.T, kind trace.SpanKind, attrs ...attribute.KeyValue) trace.SpanContext {
	t.Helper()
	_, span := s.spans.Tracer("shop").Start(context.Background(), "work", trace.WithSpanKind(kind), trace.WithAttributes(attrs...))
	span.End() // the exporter is called at once
	return span.SpanContext()
}

func (s *shop) login(t *testing.T, session, user string) {
	t.Helper()
	var r log.Record
	r.SetEventName("sessionlog.login")
	r.SetTimestamp(time.Now())
	r.AddAttributes(attribute.String("sessionlog.outcome", "success"), attribute.String("session.id", session), attribute.String("user.name", user))
	s.logs.Logger("shop/login").Emit(context.Background(), r)
}

// passed waits until a span has come out, and gives its attributes.
func (s *shop) passed(t *testing.T, want trace.SpanContext) (attrs map[string]any) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, line := range s.lines(t, "traces.jsonl") {
			td, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line)
			require.NoError(t, err)
			for _, span := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
				if trace.SpanID(span.SpanID()) == want.SpanID() {
					attrs = span.Attributes().AsRaw()
					return true
				}
			}
		}
		return false
	}, arrival, quick)
	return attrs
}

// lines are the whole lines of a file of the collector's.
func (s *shop) lines(t *testing.T, name string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	lines := bytes.Split(text, []byte("\n"))
	return lines[:len(lines)-1] // what follows the last newline is being written
}

// questions asks what the example's page asks, of this trace.
func (s *shop) questions(t *testing.T, about trace.SpanContext) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root, "examples/sessiontrace/README.md"))
	require.NoError(t, err)
	asked := regexp.MustCompile("(?s)```sql\n(.*?);\n```").FindAllStringSubmatch(string(page), -1)
	require.Len(t, asked, 2)
	for _, sql := range asked {
		ofTrace := regexp.MustCompile("[0-9a-f]{32}").ReplaceAllString(sql[1], about.TraceID().String())
		rows := query(t, s.database(), ofTrace)
		require.True(t, slices.ContainsFunc(rows, func(row []string) bool { return slices.Contains(row, "alice") }), ofTrace)
	}
}

// row waits until a query of the table has an answer.
func (s *shop) row(t *testing.T, sql string) []string {
	t.Helper()
	var rows [][]string
	require.Eventually(t, func() bool {
		rows = query(t, s.database(), sql)
		return len(rows) > 0
	}, arrival, quick, sql)
	require.Len(t, rows, 1, sql)
	return rows[0]
}

// counted is the last value of the metric's point with these attributes.
func (s *shop) counted(t *testing.T, metric string, attrs map[string]any) (n int64) {
	t.Helper()
	n = -1
	for _, line := range s.lines(t, "metrics.jsonl") {
		md, err := (&pmetric.JSONUnmarshaler{}).UnmarshalMetrics(line)
		require.NoError(t, err)
		for _, rm := range md.ResourceMetrics().All() {
			for _, m := range rm.ScopeMetrics().At(0).Metrics().All() {
				if m.Name() != metric {
					continue
				}
				for _, p := range m.Sum().DataPoints().All() {
					if assert.ObjectsAreEqual(attrs, p.Attributes().AsRaw()) {
						n = p.IntValue()
					}
				}
			}
		}
	}
	return n
}
