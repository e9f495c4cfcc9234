package sessionlogexporter

import (
	"context"
	"iter"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	zsqlite "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/internal/metrictest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/deadletter/deadlettertest"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTimeout is how long a test waits for what must happen.
const testTimeout = 30 * time.Second

// testExporter is a running exporter on a real file.
type testExporter struct {
	*sessionlogExporter
	path, letters string
	tel           *metrictest.Reader
	logs          *observer.ObservedLogs
	status        chan *componentstatus.Event
}

// backendOf lets a test put faults between the exporter and the real store.
type backendOf func(backend.Backend) backend.Backend

// startExporter runs an exporter with the shipped settings, but for what edit changes, quicker retries and places of its own.
func startExporter(t testing.TB, edit func(*Config), wrap backendOf) *testExporter {
	t.Helper()
	r := newRig(t, t.TempDir(), edit, wrap)
	require.NoError(t, r.Start(t.Context(), r))
	t.Cleanup(func() { require.NoError(t, r.Shutdown(context.Background())) })
	return r
}

func newRig(t testing.TB, dir string, edit func(*Config), wrap backendOf) *testExporter {
	t.Helper()
	r := &testExporter{
		path: filepath.Join(dir, "session_log.db"), letters: filepath.Join(dir, "letters"),
		tel: metrictest.NewReader(t), status: make(chan *componentstatus.Event, 1000),
	}
	core, logs := observer.New(zapcore.WarnLevel)
	r.logs = logs
	set := exporter.Settings{ID: component.NewID(Type), TelemetrySettings: r.tel.TelemetrySettings}
	set.Logger = zap.New(core)

	cfg := createDefaultConfig().(*Config)
	cfg.BackOffConfig.InitialInterval, cfg.BackOffConfig.MaxInterval = 10*time.Millisecond, 50*time.Millisecond
	cfg.DeadLetter.Directory = r.letters
	file := sqlite.DefaultConfig()
	file.Path, file.BusyTimeout = r.path, 50*time.Millisecond
	cfg.SQLite = configoptional.Some(file)
	if edit != nil {
		edit(cfg)
	}
	chosen, err := cfg.chooseBackend()
	require.NoError(t, err)
	store, err := chosen.Open(set.TelemetrySettings)
	require.NoError(t, err)
	if wrap != nil {
		store = wrap(store)
	}
	r.sessionlogExporter, err = newExporter(t.Context(), set, cfg, store)
	require.NoError(t, err)
	return r
}

// GetExtensions makes the rig the exporter's host.
func (r *testExporter) GetExtensions() map[component.ID]component.Component { return nil }

// Report receives the component's status.
func (r *testExporter) Report(ev *componentstatus.Event) { r.status <- ev }

// awaitStatus waits until the exporter reports a status.
func (r *testExporter) awaitStatus(t testing.TB, want componentstatus.Status) *componentstatus.Event {
	t.Helper()
	deadline := time.After(testTimeout)
	for {
		select {
		case ev := <-r.status:
			if ev.Status() == want {
				return ev
			}
		case <-deadline:
			t.Fatalf("the status %s was never reported", want)
		}
	}
}

// send hands records in from another goroutine, as a receiver does.
func (r *testExporter) send(ctx context.Context, ld plog.Logs) <-chan error {
	done := make(chan error, 1)
	go func() { done <- r.ConsumeLogs(ctx, ld) }()
	return done
}

func awaitResult(t testing.TB, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(testTimeout):
		t.Fatal("ConsumeLogs never returned")
		return nil
	}
}

// count reads the table through a connection of its own, as a user does, and tells how many records there are.
func (r *testExporter) count(t testing.TB) (n int) {
	t.Helper()
	r.query(t, "SELECT count(*), count(DISTINCT record_id) FROM session_events", func(s *zsqlite.Stmt) error {
		n = s.ColumnInt(0)
		require.Equal(t, n, s.ColumnInt(1), "records that are there twice")
		return nil
	})
	return n
}

func (r *testExporter) query(t testing.TB, sql string, row func(*zsqlite.Stmt) error) {
	t.Helper()
	conn := r.connect(t)
	defer func() { require.NoError(t, conn.Close()) }()
	require.NoError(t, sqlitex.ExecuteTransient(conn, sql, &sqlitex.ExecOptions{ResultFunc: row}))
}

func (r *testExporter) connect(t testing.TB) *zsqlite.Conn {
	t.Helper()
	conn, err := zsqlite.OpenConn(r.path, zsqlite.OpenReadWrite)
	require.NoError(t, err)
	return conn
}

// lock keeps the file locked, as another program may, until the returned function is called.
func (r *testExporter) lock(t testing.TB) (unlock func()) {
	t.Helper()
	conn := r.connect(t)
	conn.SetBusyTimeout(testTimeout)
	require.NoError(t, sqlitex.ExecuteTransient(conn, "BEGIN IMMEDIATE", nil))
	return sync.OnceFunc(func() { require.NoError(t, conn.Close()) })
}

// metric is a counter's value, 0 when it has none yet.
func (r *testExporter) metric(t testing.TB, name string) int64 {
	t.Helper()
	return r.tel.Total(t, metricPrefix+name)
}

// entries are the reasons in the dead letter, by the event name of their record.
func (r *testExporter) entries(t testing.TB) (list []deadlettertest.Entry) {
	t.Helper()
	for e, err := range deadlettertest.Read(r.letters) {
		require.NoError(t, err)
		list = append(list, e)
	}
	return list
}

// testEvents encodes the typical events from to to.
func testEvents(from, to int) plog.Logs {
	list := make([]session.Event, to-from)
	for i := range list {
		sessiontest.Typical(&list[i], from+i)
	}
	return plogs.NewEncoder("test").Encode(list)
}

// withOthers adds records that are no events, each carrying a secret that nothing may repeat.
func withOthers(ld plog.Logs, n int) plog.Logs {
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for range n {
		lr := records.AppendEmpty()
		lr.SetEventName("app.secret")
		lr.Body().SetStr("secret")
		lr.Attributes().PutStr("secret", "secret")
	}
	return ld
}

// faultyBackend is a real store with faults in front.
type faultyBackend struct {
	backend.Backend
	write func(ctx context.Context, events iter.Seq2[int, *session.Event], next backend.Backend) (backend.Result, error)
}

func (f faultyBackend) Write(ctx context.Context, events iter.Seq2[int, *session.Event]) (backend.Result, error) {
	return f.write(ctx, events, f.Backend)
}
