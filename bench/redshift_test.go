//go:build unix

package bench

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/bench/peer/sqlquery"
	"github.com/otel-sessionlog/sessionlog/receiver/sessionlogreceiver"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	redshiftsource "github.com/otel-sessionlog/sessionlog/receiver/source/redshift"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
)

// redshiftRows is the backlog that all read.
const redshiftRows = 250_000

// BenchmarkRedshift reads one backlog of SYS_CONNECTION_LOG's shape in several ways, which take turns, so that whatever else the machine
// does meets all of them: with pgx alone, which makes nothing of the rows; with our source, to events and a consumer that does nothing;
// with our receiver, to log records and such a consumer; and in the way of contrib's sqlquery receiver, to log records, streamed, and with
// the tracking column saved for each row as it does. One op is the whole backlog in all ways.
func BenchmarkRedshift(b *testing.B) {
	// A server that sorts in memory, as Redshift does with so few rows; PostgreSQL's default would go to the disk.
	s := redshift.Start(b, redshift.PostgreSQL(postgresql.Setting("work_mem", "256MB"), postgresql.Setting("fsync", "off")))
	s.Backlog(b, redshiftRows, 6*time.Hour)
	dsn := fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable", redshift.Admin.Name, redshift.Admin.Password, s.PostgreSQL.Address, redshift.Database)
	pgx := &contestant{name: "pgx", read: func() int { return readWithPgx(b, dsn) }}
	ours := &contestant{name: "source", read: func() int { return readWithSource(b, s) }}
	receiver := &contestant{name: "receiver", read: func() int { return readWithReceiver(b, s) }}
	peer := &contestant{name: "peer", read: func() int { return readAsSqlquery(b, dsn, storage{}) }}
	saving := &contestant{name: "peer-saving", read: func() int { return readAsSqlquery(b, dsn, startStorage(b)) }}
	all := []*contestant{pgx, ours, receiver, peer, saving}
	for b.Loop() {
		for _, c := range all {
			c.run(b)
		}
	}
	for _, c := range all {
		rows := float64(redshiftRows) * float64(b.N)
		b.ReportMetric(rows/c.spent.Seconds(), c.name+"-rows/s")
		b.ReportMetric(c.cpu.Seconds()/rows*1e6, c.name+"-cpu-s/Mrow")
	}
	b.ReportMetric(pgx.spent.Seconds()/ours.spent.Seconds(), "source/pgx")
	b.ReportMetric(peer.spent.Seconds()/ours.spent.Seconds(), "source/peer")
	b.ReportMetric(saving.spent.Seconds()/ours.spent.Seconds(), "source/peer-saving")
	b.ReportMetric(0, "ns/op")
}

// contestant is one way to read, with the time that it took and the processor time of this process, which a busy machine changes less.
type contestant struct {
	name       string
	read       func() int
	spent, cpu time.Duration
}

func (c *contestant) run(b *testing.B) {
	b.Helper()
	begin, before := time.Now(), processorTime(b)
	require.Equal(b, redshiftRows, c.read(), c.name)
	c.spent += time.Since(begin)
	c.cpu += processorTime(b) - before
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// readWithSource runs the source with its defaults until it has told everything.
func readWithSource(b *testing.B, s *redshift.Server) int {
	b.Helper()
	cfg := redshiftsource.DefaultConfig()
	cfg.Endpoints, cfg.Username, cfg.Database = []string{s.PostgreSQL.Address}, redshift.Admin.Name, redshift.Database
	cfg.Password = configopaque.String(redshift.Admin.Password)
	src, err := redshiftsource.New(cfg, "warehouse", componenttest.NewNopTelemetrySettings())
	require.NoError(b, err)
	told := 0
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	require.NoError(b, src.Run(ctx, source.Host{
		Emit: func(_ context.Context, page []session.Event) error {
			if told += len(page); told >= redshiftRows {
				cancel()
			}
			return nil
		},
		Store: &sourcetest.Store{}, Stats: &sourcetest.Stats{}, Log: zap.NewNop(), Status: func(error) {}, Now: time.Now,
	}))
	return told
}

// readWithReceiver runs the receiver with its defaults until it has told everything.
func readWithReceiver(b *testing.B, s *redshift.Server) int {
	b.Helper()
	var told atomic.Int64
	done := make(chan struct{})
	next, err := consumer.NewLogs(func(_ context.Context, ld plog.Logs) error {
		if told.Add(int64(ld.LogRecordCount())) == redshiftRows {
			close(done)
		}
		return nil
	})
	require.NoError(b, err)
	factory := sessionlogreceiver.NewFactory()
	cfg := factory.CreateDefaultConfig()
	require.NoError(b, confmap.NewFromStringMap(map[string]any{
		"instance": "warehouse", "dead_letter": map[string]any{"directory": filepath.Join(b.TempDir(), "letters")},
		"redshift": map[string]any{
			"endpoints": []any{s.PostgreSQL.Address}, "username": redshift.Admin.Name, "password": redshift.Admin.Password, "database": redshift.Database,
		},
	}).Unmarshal(cfg))
	r, err := factory.CreateLogs(b.Context(), receivertest.NewNopSettings(factory.Type()), cfg, next)
	require.NoError(b, err)
	require.NoError(b, r.Start(b.Context(), componenttest.NewNopHost()))
	<-done
	require.NoError(b, r.Shutdown(context.Background()))
	return int(told.Load())
}

// readAsSqlquery reads in the way of contrib's receiver, which keeps the value of its tracking column for each row where there is a storage.
func readAsSqlquery(b *testing.B, dsn string, tracking storage) (got int) {
	b.Helper()
	db, err := sql.Open("postgres", dsn)
	require.NoError(b, err)
	defer func() { require.NoError(b, db.Close()) }()
	sink := consumertest.NewNop()
	query := sqlquery.Query{
		SQL: "SELECT * FROM sys_connection_log ORDER BY record_time", Body: "event",
		RowRead: func(ctx context.Context, row map[string]string) error { return tracking.save(ctx, row["record_time"]) },
		PageRead: func(ctx context.Context, logs plog.Logs) error {
			got += logs.LogRecordCount()
			return sink.ConsumeLogs(ctx, logs)
		},
	}
	require.NoError(b, query.Read(b.Context(), db))
	return got
}

// readWithPgx scans every column into a Go value.
func readWithPgx(b *testing.B, dsn string) (got int) {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), dsn)
	require.NoError(b, err)
	defer func() { require.NoError(b, conn.Close(b.Context())) }()
	rows, err := conn.Query(b.Context(), "SELECT * FROM sys_connection_log ORDER BY record_time")
	require.NoError(b, err)
	var texts [16]string
	var numbers [4]int64
	var at time.Time
	for ; rows.Next(); got++ {
		require.NoError(b, rows.Scan(&texts[0], &at, &texts[1], &texts[2], &numbers[0], &texts[3], &texts[4], &texts[5], &numbers[1], &texts[6], &texts[7],
			&numbers[2], &texts[8], &texts[9], &texts[10], &texts[11], &texts[12], &texts[13], &texts[14], &numbers[3], &texts[15]))
	}
	require.NoError(b, rows.Err())
	return got
}
