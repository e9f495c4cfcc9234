package backendexporter_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.uber.org/goleak"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/postgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/exporter/backendexporter"
	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/sdk/blocking"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/deadletter/deadlettertest"
	"github.com/otel-sessionlog/sessionlog/testengine"
	pgengine "github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
	chserver "github.com/otel-sessionlog/sessionlog/testengine/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// provider is the one of an application; its end is the exporter's.
func provider(t *testing.T, p sdklog.Processor) *sdklog.LoggerProvider {
	t.Helper()
	made := sdklog.NewLoggerProvider(sdklog.WithProcessor(p))
	t.Cleanup(func() { require.NoError(t, made.Shutdown(context.WithoutCancel(t.Context()))) })
	return made
}

func sqliteConfig(t *testing.T) sqlite.Config {
	cfg := sqlite.DefaultConfig()
	cfg.Path = filepath.Join(t.TempDir(), "session_log.db")
	return cfg
}

func count(t *testing.T, cfg sqlite.Config) (n int) {
	t.Helper()
	for _, err := range backendtest.StoredEvents(t.Context(), sqlite.OpenQueryStore, cfg, "arrival") {
		require.NoError(t, err)
		n++
	}
	return n
}

// reports are what the SDK's error handler is told.
func reports(t *testing.T) *[]string {
	t.Helper()
	list := new([]string)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { *list = append(*list, err.Error()) }))
	t.Cleanup(func() { otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {})) })
	return list
}

// TestAnyProcessorMayUseIt: the SDK's own are told about records that are no events, and keep the others.
func TestAnyProcessorMayUseIt(t *testing.T) {
	told := reports(t)
	cfg := sqliteConfig(t)
	exporter, err := backendexporter.New(t.Context(), sqlite.New, cfg)
	require.NoError(t, err)
	p := provider(t, sdklog.NewBatchProcessor(exporter))
	require.NoError(t, sessionlog.NewLogger(p).Login(t.Context(), sessionlog.User("alice")))
	var other log.Record
	other.SetEventName("order.placed")
	p.Logger("shop").Emit(t.Context(), other)
	require.NoError(t, sessionlog.NewLogger(p).Logout(t.Context(), sessionlog.User("alice")))
	err = p.ForceFlush(t.Context())
	require.Equal(t, 2, count(t, cfg))
	said := fmt.Sprint(err, *told) // the batch may have been exported before the flush
	require.Contains(t, said, "1 records are no authentication events")
}

// TestAForgedRepetitionIsReported: two events with one id are a conflict, and the first stays.
func TestAForgedRepetitionIsReported(t *testing.T) {
	told := reports(t)
	cfg := sqliteConfig(t)
	exporter, err := backendexporter.New(t.Context(), sqlite.New, cfg)
	require.NoError(t, err)
	logger := sessionlog.NewLogger(provider(t, blocking.NewProcessor(exporter)))
	id := sessionlog.Set(func(e *session.Event) { e.RecordID = session.ID{6: 0x80, 8: 0x80, 15: 9} })
	at := sessionlog.At(time.Unix(1_795_000_000, 0))
	for _, name := range []string{"alice", "alice", "mallory"} {
		require.NoError(t, logger.Login(t.Context(), sessionlog.User(name), id, at, sessionlog.Durable()))
	}
	require.Equal(t, 1, count(t, cfg))
	require.Len(t, *told, 1)
	require.Contains(t, (*told)[0], "session_conflicts")
	require.NotContains(t, (*told)[0], "mallory")
}

func TestAfterShutdownNothingIsPromised(t *testing.T) {
	exporter, err := backendexporter.New(t.Context(), sqlite.New, sqliteConfig(t))
	require.NoError(t, err)
	require.NoError(t, exporter.Shutdown(t.Context()))
	require.NoError(t, exporter.Shutdown(t.Context()))
	require.ErrorIs(t, exporter.Export(t.Context(), make([]sdklog.Record, 1)), sdklog.ErrExporterShutdown)
}

func TestMistakesAreNamed(t *testing.T) {
	bad := sqliteConfig(t)
	bad.Path = ""
	_, err := backendexporter.New(t.Context(), sqlite.New, bad)
	require.ErrorContains(t, err, "path: must name a file")
	bad.Path = t.TempDir()
	_, err = backendexporter.New(t.Context(), sqlite.New, bad)
	require.Error(t, err, "a folder is no database")
	_, err = backendexporter.New(t.Context(), sqlite.New, sqliteConfig(t), backendexporter.WithDeadLetter("/dev/null/x"))
	require.ErrorContains(t, err, "dead letter")
}

// TestPostgreSQL writes into a real server that refuses some records for good: with a dead letter they are kept there, without
// one their callers are told, and nobody else is.
func TestPostgreSQL(t *testing.T) {
	pg := pgengine.Start(t)
	pg.ExecIn(t, server.AppDB, "CREATE SCHEMA app AUTHORIZATION "+server.Alice.Name)
	cfg := postgresql.DefaultConfig()
	cfg.Endpoints, cfg.Schema = []string{pg.Address}, "app"
	cfg.Username, cfg.Password, cfg.Database = server.Alice.Name, configopaque.String(server.Alice.Password), server.AppDB
	letters := t.TempDir()
	kept, err := backendexporter.New(t.Context(), postgresql.New, cfg, backendexporter.WithDeadLetter(letters))
	require.NoError(t, err)
	told, err := backendexporter.New(t.Context(), postgresql.New, cfg)
	require.NoError(t, err)
	pg.ExecIn(t, server.AppDB, "ALTER TABLE app.session_events ADD CONSTRAINT no_mallory CHECK (user_name <> 'mallory')")

	logger := sessionlog.NewLogger(provider(t, blocking.NewProcessor(kept)))
	for _, name := range []string{"alice", "mallory", "bob"} {
		require.NoError(t, logger.Login(t.Context(), sessionlog.User(name), sessionlog.Durable()))
	}
	n := 0
	for entry, err := range deadlettertest.Read(letters) {
		require.NoError(t, err)
		require.Contains(t, entry.Reason, "no_mallory")
		n++
	}
	require.Equal(t, 1, n)

	logger = sessionlog.NewLogger(provider(t, blocking.NewProcessor(told, blocking.WithRefused(backendexporter.IsRefused))))
	errs := make(chan error, 40)
	for i := range cap(errs) {
		go func() {
			name := "carol"
			if i%4 == 0 {
				name = "mallory"
			}
			err := logger.Login(t.Context(), sessionlog.User(name), sessionlog.DurableWithin(time.Minute))
			if (err != nil) != (name == "mallory") {
				t.Errorf("%s: %v", name, err)
			}
			errs <- err
		}()
	}
	for range cap(errs) {
		<-errs
	}
	rows := pg.QueryIn(t, server.AppDB, "SELECT user_name, count(*) FROM app.session_log GROUP BY 1 ORDER BY 1")
	require.Equal(t, [][]string{{"alice", "1"}, {"bob", "1"}, {"carol", "30"}}, rows)
}

// TestClickHouse writes into a real server, which freezes in between: an event that it has not answered for is not granted. A try has more
// time than an insert takes on a busy machine, or none would ever succeed.
func TestClickHouse(t *testing.T) {
	s := testengine.ClickHouse(t, testengine.LogsOnDemand())
	cfg := clickhouse.DefaultConfig()
	cfg.Endpoints, cfg.Database = []string{"clickhouse://" + s.Native}, "app"
	cfg.Username, cfg.Password = chserver.Admin.Name, configopaque.String(chserver.Admin.Password)
	exporter, err := backendexporter.New(t.Context(), clickhouse.New, cfg)
	require.NoError(t, err)
	logger := sessionlog.NewLogger(provider(t, blocking.NewProcessor(exporter, blocking.WithExportTimeout(10*time.Second))))
	require.NoError(t, logger.Login(t.Context(), sessionlog.User("alice"), sessionlog.DurableWithin(time.Minute)))
	require.Equal(t, [][]string{{"alice", "LoginSuccess"}}, s.Query(t, "SELECT user, type FROM app.session_log"))

	s.Freeze(t)
	require.ErrorIs(t, logger.Login(t.Context(), sessionlog.User("bob"), sessionlog.DurableWithin(200*time.Millisecond)), sessionlog.ErrNotDurable)
	s.Thaw(t)
	require.NoError(t, logger.Login(t.Context(), sessionlog.User("carol"), sessionlog.DurableWithin(time.Minute)))
	require.Equal(t, [][]string{{"1"}}, s.Query(t, "SELECT count() FROM app.session_log WHERE user = 'carol'"))
}
