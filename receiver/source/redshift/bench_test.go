//go:build unix

package redshift

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
)

// envRows enlarges the benchmarks' backlog.
const envRows = "SESSIONLOG_BENCH_ROWS"

func benchRows(tb testing.TB) int {
	tb.Helper()
	text := os.Getenv(envRows)
	if text == "" {
		return 1_000_000
	}
	n, err := strconv.Atoi(text)
	require.NoError(tb, err)
	return n
}

// bench starts a server that sorts in memory, as Redshift does with so few rows; PostgreSQL's default would go to the disk.
func bench(b *testing.B) *redshift.Server {
	b.Helper()
	return redshift.Start(b, redshift.PostgreSQL(postgresql.Setting("work_mem", "256MB")))
}

// direct is the way past the proxy, which would be measured otherwise.
func direct(s *redshift.Server) Config {
	cfg := config(s, redshift.Admin)
	cfg.Endpoints = []string{s.PostgreSQL.Address}
	cfg.BatchSize = DefaultConfig().BatchSize
	return cfg
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
	require.NoError(tb, newSource(tb, cfg, "warehouse").Run(ctx, host))
	require.EqualValues(tb, n, told.Load())
}

// measure runs what reads n rows, and reports the rate and our own share of the work, which a busy machine changes less.
func measure(b *testing.B, n int, read func()) {
	b.Helper()
	b.ReportAllocs()
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

// BenchmarkSource reads a backlog from the server to a consumer that does nothing, and how others read the same rows.
func BenchmarkSource(b *testing.B) {
	s := bench(b)
	n := benchRows(b)
	s.Backlog(b, n, 6*time.Hour)
	cfg := direct(s)
	b.Run("ours", func(b *testing.B) { measure(b, n, func() { drainAll(b, cfg, n) }) })
	b.Run("pgx", func(b *testing.B) { measure(b, n, func() { readWithPgx(b, cfg, n, "") }) })
	b.Run("pgx in order", func(b *testing.B) { measure(b, n, func() { readWithPgx(b, cfg, n, " ORDER BY record_time") }) })
	b.Run("string maps", func(b *testing.B) { measure(b, n, func() { readStringMaps(b, cfg, n) }) })
}

func dsn(cfg Config) string {
	return fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable", cfg.Username, string(cfg.Password), cfg.Endpoints[0], cfg.Database)
}

// readWithPgx scans every column into a Go value.
func readWithPgx(tb testing.TB, cfg Config, n int, order string) {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), dsn(cfg))
	require.NoError(tb, err)
	defer func() { require.NoError(tb, conn.Close(tb.Context())) }()
	rows, err := conn.Query(tb.Context(), "SELECT * FROM sys_connection_log"+order)
	require.NoError(tb, err)
	var texts [16]string
	var numbers [4]int64
	var at time.Time
	got := 0
	for ; rows.Next(); got++ {
		require.NoError(tb, rows.Scan(&texts[0], &at, &texts[1], &texts[2], &numbers[0], &texts[3], &texts[4], &texts[5], &numbers[1], &texts[6], &texts[7],
			&numbers[2], &texts[8], &texts[9], &texts[10], &texts[11], &texts[12], &texts[13], &texts[14], &numbers[3], &texts[15]))
	}
	require.NoError(tb, rows.Err())
	require.Equal(tb, n, got)
}

// readStringMaps is how collectors read a table as a rule: any row as a map of texts. (They do it through database/sql,
// which costs more than pgx alone.)
func readStringMaps(tb testing.TB, cfg Config, n int) {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), dsn(cfg))
	require.NoError(tb, err)
	defer func() { require.NoError(tb, conn.Close(tb.Context())) }()
	rows, err := conn.Query(tb.Context(), "SELECT * FROM sys_connection_log ORDER BY record_time")
	require.NoError(tb, err)
	got := 0
	for ; rows.Next(); got++ {
		values, err := rows.Values()
		require.NoError(tb, err)
		cells := make(map[string]string, len(values))
		for i, field := range rows.FieldDescriptions() {
			cells[field.Name] = strings.TrimSpace(fmt.Sprint(values[i]))
		}
		require.Len(tb, cells, len(values))
	}
	require.NoError(tb, rows.Err())
	require.Equal(tb, n, got)
}

// BenchmarkBacklog reports the memory that a large backlog takes: it must not grow with the rows.
func BenchmarkBacklog(b *testing.B) {
	s := bench(b)
	for _, n := range []int{benchRows(b) / 5, benchRows(b)} {
		s.Backlog(b, n, 7*24*time.Hour)
		b.Run(fmt.Sprintf("%d rows over 7 days", n), func(b *testing.B) {
			measure(b, n, func() {
				stop, peak := make(chan struct{}), make(chan uint64)
				go watchHeap(stop, peak)
				drainAll(b, direct(s), n)
				close(stop)
				b.ReportMetric(float64(<-peak)/(1<<20), "peak-MiB")
			})
		})
	}
}

// watchHeap samples the memory in use until it is stopped, and gives the most.
func watchHeap(stop <-chan struct{}, peak chan<- uint64) {
	var most uint64
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapInuse)
		select {
		case <-stop:
			peak <- most
			return
		case <-tick.C:
		}
	}
}
