package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/traces"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// Of a backlog the logs are asked for several reads at once, beside the reading, and far ahead for the open connections alone. Each login must have
// what one question about everything says: sessions of seconds and of hours, connections that are used again, sessions without an end, two users.
func TestABacklogsTracesAreThoseOfOneQuestion(t *testing.T) {
	s := quiet.Get(t)
	s.FlushLogs(t)
	s.FlushLogs(t)
	cfg := config(endpoint(s, "native"), server.Admin)
	cfg.Table = newLog(t, s)
	const window, read, windows = 8 * time.Hour, 2 * time.Hour, 2
	const spread = windows * window
	begin := time.Now().Add(-9 * 24 * time.Hour).Truncate(time.Hour)
	logins := writeTracedSessions(t, s, cfg.Table, begin, spread)
	of, _, conn := queryOf(t, cfg)
	_, _, second := queryOf(t, cfg)
	asked, refused := 0, 0
	ways := map[string]traces.ServerAsker{
		"one connection": nil,
		"two":            func(_ context.Context, ask func(configclickhouse.Conn) error) error { asked++; return ask(second) },
		"two, of which the second is refused": func(context.Context, func(configclickhouse.Conn) error) error {
			refused++
			return errors.New("refused")
		},
	}
	newTracer := func() *traces.Tracer { // each question knows every session that may still be open
		return traces.New(traces.Options{SessionAge: 72 * time.Hour, LogDelay: time.Minute, Store: &sourcetest.Store{}, StoreKey: "traces"})
	}
	now, matched := time.Now().UnixMicro(), 0
	for from := begin.UnixMicro(); from < begin.Add(spread).UnixMicro(); from += window.Microseconds() {
		whole := poll.TimeRange{From: from, To: from + window.Microseconds()}
		one := newTracer()
		require.NoError(t, one.Prepare(t.Context(), conn, of.layout, whole.To, whole, nil))
		for way, beside := range ways {
			steps := newTracer()
			for part := whole.From; part < whole.To; part += read.Microseconds() {
				within := poll.TimeRange{From: part, To: part + read.Microseconds()}
				require.NoError(t, steps.Prepare(t.Context(), conn, of.layout, now, within, beside), way)
				for _, login := range logins {
					if login.Micros < within.From || login.Micros >= within.To {
						continue
					}
					var want, got session.Event
					one.Correlate(&login, &want)
					steps.Correlate(&login, &got)
					require.Equal(t, want, got, "%s: %+v", way, login)
					if want.TraceID != ([16]byte{}) {
						matched++
					}
				}
			}
			steps.Close()
		}
	}
	require.Greater(t, matched/len(ways), 30)
	require.Less(t, matched/len(ways), len(logins)/2)
	require.Equal(t, 2*windows, asked, "behind the first of four reads, and the third")
	require.Equal(t, windows, refused, "once a backlog")
}

// writeTracedSessions writes sessions of few connections, their queries, and a span for every second query.
func writeTracedSessions(t *testing.T, s *testengine.Server, table string, begin time.Time, spread time.Duration) (logins []clickhouselog.Row) {
	t.Helper()
	random := rand.New(rand.NewPCG(13, 6)) //nolint:gosec // repeatable, not secret
	var sessions, queries, spans []string
	at := func(micros int64) string { return fmt.Sprintf("fromUnixTimestamp64Micro(toInt64(%d))", micros) }
	for n := range 600 {
		id, user, port, iface := uuid.New(), []string{"bob", "carol"}[random.IntN(2)], 40000+random.IntN(400), []string{"TCP", "HTTP"}[n%2]
		from := begin.UnixMicro() + random.Int64N(spread.Microseconds())
		isRequest := iface == "HTTP" // which takes minutes at most, and ends
		length := int64(float64(time.Second.Microseconds()) * []float64{0.01, 300, 3000, 40000}[random.IntN(4)] * random.Float64())
		if isRequest {
			length = min(length, 300*time.Second.Microseconds())
		}
		row := func(kind string, micros int64) string {
			return fmt.Sprintf("('ch-0', '%s', '%s', %s, '%s', toIPv6('::ffff:10.0.0.1'), %d, '%s')", kind, id, at(micros), user, port, iface)
		}
		sessions = append(sessions, row("LoginSuccess", from))
		if isRequest || random.IntN(10) > 0 {
			sessions = append(sessions, row("Logout", from+length))
		}
		logins = append(logins, clickhouselog.Row{Hostname: "ch-0", Type: clickhouselog.TypeLoginSuccess, AuthID: session.ID(id), Micros: from, User: user, ClientPort: uint16(port)})
		for k := range random.IntN(3) {
			query, started := fmt.Sprintf("%s-%d", id, k), from+1+random.Int64N(length+1)
			ended := started + random.Int64N(from+length+1-started+1) // within its session
			for _, row := range []struct {
				kind   string
				micros int64
			}{{"QueryStart", started}, {"QueryFinish", ended}}[random.IntN(2):] { // some servers log the end alone
				queries = append(queries, fmt.Sprintf("('ch-0', '%s', toDate(%[2]s), %[2]s, %[2]s, %[3]s, %[3]s, '%[4]s', toIPv6('::ffff:10.0.0.1'), %[5]d, %[6]d, '%[7]s', '%[7]s', 1)",
					row.kind, at(row.micros), at(started), query, port, 1+n%2, user))
			}
			if random.IntN(2) == 0 {
				spans = append(spans, fmt.Sprintf("('ch-0', '%s', %d, 'query', %d, %d, toDate(%s), map('clickhouse.query_id', '%s'))",
					uuid.New(), random.Uint64(), started, ended, at(ended), query))
			}
		}
	}
	s.Exec(t, "INSERT INTO "+table+" (hostname, type, auth_id, event_time_microseconds, user, client_address, client_port, interface) VALUES "+strings.Join(sessions, ", "))
	s.Exec(t, "INSERT INTO system.query_log (hostname, type, event_date, event_time, event_time_microseconds, query_start_time, query_start_time_microseconds, query_id, address, port, "+
		"interface, user, authenticated_user, is_initial_query) VALUES "+strings.Join(queries, ", "))
	s.Exec(t, "INSERT INTO system.opentelemetry_span_log (hostname, trace_id, span_id, operation_name, start_time_us, finish_time_us, finish_date, attribute) VALUES "+strings.Join(spans, ", "))
	return logins
}
