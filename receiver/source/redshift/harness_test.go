package redshift

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
	"github.com/otel-sessionlog/sessionlog/testengine/shared"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(shared.EndAfter(m)) }

// cluster is that of all tests that have a table of their own, and change nothing else for good.
var cluster = shared.New(func(t testing.TB) *redshift.Server { return redshift.Start(t) })

// config is that of the tests: quick to notice a change.
func config(s *redshift.Server, u redshift.User) Config {
	cfg := DefaultConfig()
	cfg.Endpoints, cfg.Username, cfg.Password = []string{"redshift://" + s.Address}, u.Name, configopaque.String(u.Password)
	cfg.Database = redshift.Database
	cfg.CollectionInterval, cfg.ReconcileInterval = 50*time.Millisecond, 200*time.Millisecond
	return cfg
}

func newSource(t testing.TB, cfg Config, instance string) source.Source {
	t.Helper()
	require.NoError(t, cfg.Validate())
	src, err := New(cfg, instance, componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	return src
}

// running is a source at work, with all that it said.
type running struct {
	emit  *sourcetest.Recorder
	stats *sourcetest.Stats
	log   *observer.ObservedLogs
	stop  func()
	ahead atomic.Int64 // of the source's clock, nanoseconds

	mu     sync.Mutex
	status error
}

func (r *running) lastStatus() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

func run(t testing.TB, cfg Config, store *sourcetest.Store) *running {
	t.Helper()
	return runAs(t, cfg, "warehouse", store)
}

func runAs(t testing.TB, cfg Config, instance string, store *sourcetest.Store) *running {
	t.Helper()
	return begin(t, cfg, instance, store, &sourcetest.Recorder{})
}

// runFated is run with a pipeline that may refuse pages.
func runFated(t testing.TB, cfg Config, store *sourcetest.Store, fate func(context.Context, int, []session.Event) error) *running {
	t.Helper()
	return begin(t, cfg, "warehouse", store, &sourcetest.Recorder{Fate: fate})
}

func begin(t testing.TB, cfg Config, instance string, store *sourcetest.Store, emit *sourcetest.Recorder) *running {
	t.Helper()
	r := &running{emit: emit, stats: &sourcetest.Stats{}}
	if store == nil {
		store = &sourcetest.Store{}
	}
	host := sourcetest.Host(t, r.emit, store, nil)
	host.Stats = r.stats
	host.Now = func() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }
	core, log := observer.New(zap.InfoLevel)
	host.Log, r.log = zap.New(core), log
	host.Status = func(err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.status = err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	src := newSource(t, cfg, instance)
	go func() { done <- src.Run(ctx, host) }()
	r.stop = sync.OnceFunc(func() {
		t.Helper()
		cancel()
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(5 * time.Second):
			t.Error("the source does not stop")
		}
	})
	t.Cleanup(r.stop)
	return r
}

const waitLimit = 30 * time.Second

// eventually waits for a condition that must come.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(waitLimit); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s", what, waitLimit)
		}
	}
}

// lookAtAll has the source's next poll look at everything, as if it were time to.
func (r *running) lookAtAll() { r.ahead.Add(int64(10 * time.Second)) }

// whole waits until a look at everything has ended twice more, so that whatever is there now was seen.
func (r *running) whole(t testing.TB) {
	t.Helper()
	for range 2 {
		r.lookAtAll()
		from := r.stats.Counts().ReadCalls
		eventually(t, "polls", func() bool { return r.stats.Counts().ReadCalls > from+2 })
	}
}

// waitEvents waits for n events and gives them.
func (r *running) waitEvents(t testing.TB, n int) []session.Event {
	t.Helper()
	eventually(t, fmt.Sprintf("%d events", n), func() bool { return len(r.emit.Delivered()) >= n })
	events := r.emit.Delivered()
	require.Len(t, events, n)
	return events
}

// once fails unless each of the rows was delivered exactly once, and nothing else.
func (r *running) once(t testing.TB, rows ...sourcetest.Row) {
	t.Helper()
	want, got := map[string]int{}, map[string]int{}
	for _, row := range rows {
		want[row.User] = 1
	}
	for _, e := range r.emit.Delivered() {
		got[e.User]++
	}
	require.Equal(t, want, got)
}

// distinct fails when two events share an id.
func distinct(t testing.TB, events []session.Event) {
	t.Helper()
	seen := map[session.ID]bool{}
	for i := range events {
		require.False(t, seen[events[i].RecordID], "id %v is there twice", events[i].RecordID)
		seen[events[i].RecordID] = true
	}
}

// logins are n rows, step apart.
func logins(prefix string, n int, from time.Time, step time.Duration) []sourcetest.Row {
	out := make([]sourcetest.Row, n)
	for i := range out {
		out[i] = sourcetest.Row{User: fmt.Sprintf("%s-%04d", prefix, i), Time: from.Add(time.Duration(i) * step).Truncate(time.Microsecond)}
	}
	return out
}

// row is one of the log, under the names of STL_CONNECTION_LOG.
type row struct {
	event          string
	at             time.Time
	host, port     string
	pid            int
	database, user string
	auth           string
	duration       int64
	application    string
	guid           string
}

const layoutOfTests = "2006-01-02 15:04:05.000000"

var tables atomic.Int64

// newTable makes an empty table of SYS_CONNECTION_LOG's shape and returns its name.
func newTable(t testing.TB, s *redshift.Server) string {
	t.Helper()
	name := fmt.Sprintf("log_%d", tables.Add(1))
	s.Exec(t, "CREATE TABLE "+name+" (LIKE pg_catalog.sys_connection_log); GRANT SELECT ON "+name+" TO "+redshift.Collector.Name)
	return name
}

// insert adds rows. Tables that begin with stl have STL_CONNECTION_LOG's names.
func insert(t testing.TB, s *redshift.Server, table string, rows ...row) {
	t.Helper()
	columns := "event, record_time, remote_host, remote_port, session_id, database_name, user_name, auth_method, duration, application_name"
	if strings.HasPrefix(table, "stl") {
		columns = "event, recordtime, remotehost, remoteport, pid, dbname, username, authmethod, duration, application_name"
	} else {
		columns += ", global_session_id"
	}
	values := make([]string, len(rows))
	for i, r := range rows {
		values[i] = fmt.Sprintf("('%s', '%s', '%s', '%s', %d, '%s', '%s', '%s', %d, '%s'", r.event, r.at.UTC().Format(layoutOfTests), r.host, r.port,
			r.pid, r.database, r.user, r.auth, r.duration, r.application)
		if !strings.HasPrefix(table, "stl") {
			values[i] += ", '" + r.guid + "'"
		}
		values[i] += ")"
	}
	s.Exec(t, "INSERT INTO "+table+" ("+columns+") VALUES "+strings.Join(values, ", "))
}

// login is a successful one as users of the log would see it.
func login(user string, at time.Time, pid int) row {
	return row{event: "authenticated", at: at, host: "::ffff:10.0.0.7", port: "40000", pid: pid, database: "dev", user: user, auth: "password"}
}

func insertLogins(t testing.TB, s *redshift.Server, table string, rows ...sourcetest.Row) {
	t.Helper()
	all := make([]row, len(rows))
	for i, r := range rows {
		pid := 1000
		for _, c := range r.User {
			pid = (pid*31 + int(c)) & 0xffffff
		}
		all[i] = login(r.User, r.Time, pid)
	}
	insert(t, s, table, all...)
}
