package clickhouse

import (
	"context"
	"fmt"
	"os"
	"runtime/metrics"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/rows"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// envRows enlarges the benchmarks' backlog.
const envRows = "SESSIONLOG_BENCH_ROWS"

func benchRows(tb testing.TB, usual int) int {
	tb.Helper()
	text := os.Getenv(envRows)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	require.NoError(tb, err)
	return n
}

// backlog is a table with n rows as a server writes them: logins with roles and settings, their logouts, one failure in ten.
func backlog(tb testing.TB, s *testengine.Server, n int, spread time.Duration) string {
	tb.Helper()
	name := newLog(tb, s)
	const reason = "Code: 516. DB::Exception: alice: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)"
	s.Exec(tb, fmt.Sprintf(`INSERT INTO %s (hostname, type, auth_id, session_id, event_time_microseconds, user, auth_type, profiles, roles, settings,
		client_address, client_port, interface, client_hostname, client_name, client_revision, client_version_major, client_version_minor, client_version_patch, failure_reason)
		SELECT 'ch-0.example.net', if(pair %% 10 = 9, 0, 1 + number %% 2) AS kind, reinterpretAsUUID(sipHash128(pair)), '',
			fromUnixTimestamp64Micro(toInt64(1750000000000000 + intDiv(number * %d, %d))), ['alice', 'bob', 'etl_writer', 'grafana'][1 + pair %% 4], if(kind = 0, 0, 2),
			if(kind = 1, ['default', 'analysts'], []), if(kind = 1, ['analyst', 'loader'], []), if(kind = 1, [('max_threads', '2'), ('max_memory_usage', '1000000000')], []),
			toIPv6(concat('::ffff:10.0.', toString(pair %% 4), '.', toString(pair %% 250))), 1024 + pair %% 60000, 1 + pair %% 2, 'app-1', 'ClickHouse clickhouse-go/2.50.0', 54460, 2, 50, 0,
			if(kind = 0, '%s', '')
		FROM (SELECT number, intDiv(number, 2) AS pair FROM numbers(%d))`, name, spread.Microseconds(), n, reason, n))
	return name
}

// drainAll runs a source until it has told n events, into nothing.
func drainAll(tb testing.TB, cfg Config, n int) {
	tb.Helper()
	var told atomic.Int64
	ctx, cancel := context.WithCancel(tb.Context())
	defer cancel()
	host := source.Host{
		Emit: func(_ context.Context, page []session.Event) error {
			if told.Add(int64(len(page))) >= int64(n) {
				cancel()
			}
			return nil
		},
		Store: &sourcetest.Store{}, Stats: &sourcetest.Stats{}, Log: zap.NewNop(), Status: func(error) {}, Now: time.Now,
	}
	require.NoError(tb, newSource(tb, cfg).Run(ctx, host))
	require.EqualValues(tb, n, told.Load())
}

// measure repeats a reading of n rows. On a machine that others share, the processor time tells more than the clock.
func measure(b *testing.B, n int, read func()) {
	b.Helper()
	before := processorTime(b)
	for b.Loop() {
		read()
	}
	rows := float64(n) * float64(b.N)
	b.ReportMetric(rows/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/rows, "cpu-ns/row")
}

// processorTime is that of this process; the server's is not in it.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSource reads a backlog from the server to a consumer that does nothing.
func BenchmarkSource(b *testing.B) {
	s := testengine.ClickHouse(b)
	n := benchRows(b, 1_000_000)
	table := backlog(b, s, n, 6*time.Hour)
	for _, protocol := range protocols {
		for _, compression := range []string{configclickhouse.CompressionNone, configclickhouse.CompressionLZ4} {
			b.Run(protocol+"/"+compression, func(b *testing.B) {
				cfg := config(endpoint(s, protocol), server.Admin)
				cfg.Table, cfg.Compression = table, compression
				b.ReportAllocs()
				measure(b, n, func() { drainAll(b, cfg, n) })
			})
		}
	}
}

// BenchmarkLimit receives and decodes the same rows and does nothing with them.
func BenchmarkLimit(b *testing.B) {
	s := testengine.ClickHouse(b)
	n := benchRows(b, 1_000_000)
	name := backlog(b, s, n, 6*time.Hour)
	for _, protocol := range protocols {
		for _, compression := range []string{configclickhouse.CompressionNone, configclickhouse.CompressionLZ4} {
			b.Run(protocol+"/"+compression, func(b *testing.B) {
				cfg := config(endpoint(s, protocol), server.Admin)
				cfg.Compression, cfg.Table = compression, name
				_, query, conn := queryOf(b, cfg)
				measure(b, n, func() {
					got := 0
					require.NoError(b, query.Run(b.Context(), conn, poll.AllTimes, rows.KeyUnused, rows.Identity{}, func(block *rows.Block) error {
						got += block.Len()
						return nil
					}))
					require.Equal(b, n, got)
				})
			})
		}
	}
}

// BenchmarkBacklog reports the memory that a large backlog takes: it must not grow with the rows.
func BenchmarkBacklog(b *testing.B) {
	s := testengine.ClickHouse(b)
	for _, n := range []int{benchRows(b, 5_000_000) / 5, benchRows(b, 5_000_000)} {
		table := backlog(b, s, n, 400*24*time.Hour)
		b.Run(fmt.Sprintf("%d rows over 400 days", n), func(b *testing.B) {
			cfg := config(endpoint(s, "native"), server.Admin)
			cfg.Table = table
			for b.Loop() {
				stop := make(chan struct{})
				peak := make(chan uint64)
				go watchHeap(stop, peak)
				drainAll(b, cfg, n)
				close(stop)
				b.ReportMetric(float64(<-peak)/(1<<20), "peak-live-MiB")
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// watchHeap samples what the last garbage collection found alive, until it is stopped, and gives the most.
func watchHeap(stop <-chan struct{}, peak chan<- uint64) {
	var most uint64
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		most = max(most, live[0].Value.Uint64())
		select {
		case <-stop:
			peak <- most
			return
		case <-tick.C:
		}
	}
}

// BenchmarkTraces reads a backlog with and without trace correlation; one session in ten ran a query under a trace.
func BenchmarkTraces(b *testing.B) {
	s := testengine.ClickHouse(b)
	n := benchRows(b, 1_000_000)
	table := backlog(b, s, n, 6*time.Hour)
	s.FlushLogs(b)
	s.FlushLogs(b)
	sessions := fmt.Sprintf("(SELECT *, addMicroseconds(event_time_microseconds, 1) AS start, toString(auth_id) AS id FROM %s WHERE type = 'LoginSuccess' AND cityHash64(auth_id) %% 10 = 0)", table)
	s.Exec(b, `INSERT INTO system.query_log (hostname, type, event_date, event_time, event_time_microseconds, query_start_time, query_start_time_microseconds,
		query_id, address, port, interface, user, authenticated_user, is_initial_query)
		SELECT hostname, 'QueryFinish', event_date, event_time, start, start, start, id, client_address, client_port, toUInt8(interface), user, user, 1 FROM `+sessions)
	s.Exec(b, `INSERT INTO system.opentelemetry_span_log (hostname, trace_id, span_id, operation_name, start_time_us, finish_time_us, finish_date, attribute)
		SELECT hostname, generateUUIDv4(), rand64(), 'query', toUnixTimestamp64Micro(start), toUnixTimestamp64Micro(start) + 10, event_date,
		map('clickhouse.query_id', id, 'db.statement', repeat('SELECT something ', 10)) FROM `+sessions)
	for name, traces := range map[string]TraceConfig{"without": {}, "with": {Enabled: true, Settle: time.Second}} {
		b.Run(name, func(b *testing.B) {
			cfg := config(endpoint(s, "native"), server.Admin)
			cfg.Table, cfg.TraceCorrelation = table, traces
			measure(b, n, func() { drainAll(b, cfg, n) })
		})
	}
}
