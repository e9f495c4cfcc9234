package clickhouse

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

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
	"github.com/otel-sessionlog/sessionlog/testengine/shared"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(shared.EndAfter(m)) }

// quiet is the server of all tests that have a table or a time of their own, and write its logs out themselves.
var quiet = shared.New(func(t testing.TB) *testengine.Server { return testengine.ClickHouse(t, testengine.LogsOnDemand()) })

// protocols are those that most promises are tested over.
var protocols = []string{"native", "http"}

func endpoint(s *testengine.Server, protocol string) string {
	if protocol == "http" {
		return "http://" + s.HTTP
	}
	return "clickhouse://" + s.Native
}

// config is that of the tests: quick to notice a change, but a poll is a dozen statements, of which a server of a test can well have too many.
func config(endpoint string, u server.User) Config {
	cfg := DefaultConfig()
	cfg.Endpoints, cfg.Username, cfg.Password = []string{endpoint}, u.Name, configopaque.String(u.Password)
	cfg.CollectionInterval = 100 * time.Millisecond
	cfg.ReconcileInterval = 100 * time.Millisecond // everything is compared every 1.2 s
	return cfg
}

func newSource(t testing.TB, cfg Config) source.Source {
	t.Helper()
	require.NoError(t, cfg.Validate())
	src, err := New(cfg, "warehouse", componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	return src
}

// running is a source at work, with all that it said.
type running struct {
	emit  *sourcetest.Recorder
	stats *counter
	stop  func()
	ahead atomic.Int64 // of the source's clock, nanoseconds

	mu     sync.Mutex
	status error
}

// counter counts correlations beside.
type counter struct {
	sourcetest.Stats
	matched, ambiguous atomic.Int64
}

// Correlated implements [TraceStats].
func (c *counter) Correlated(matched, ambiguous int) {
	c.matched.Add(int64(matched))
	c.ambiguous.Add(int64(ambiguous))
}

func (c *counter) Correlations() (matched, ambiguous int) {
	return int(c.matched.Load()), int(c.ambiguous.Load())
}

func (r *running) lastStatus() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

func run(t testing.TB, cfg Config, store source.Store) *running {
	t.Helper()
	return runLogged(t, cfg, store, nil)
}

// runLogged is run with a log of the caller's.
func runLogged(t testing.TB, cfg Config, store source.Store, log *zap.Logger) *running {
	t.Helper()
	r := &running{emit: &sourcetest.Recorder{}, stats: &counter{}}
	memory, ok := store.(*sourcetest.Store)
	if !ok {
		memory = &sourcetest.Store{}
	}
	host := sourcetest.Host(t, r.emit, memory, &r.stats.Stats)
	host.Stats = r.stats
	if log != nil {
		host.Log = log
	}
	host.Now = func() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }
	host.Status = func(err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.status = err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	src := newSource(t, cfg)
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
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("status: %v; counts: %+v; users: %v", r.lastStatus(), r.stats.Counts(), r.users())
		}
		r.stop()
	})
	return r
}

const (
	patience = 30 * time.Second
	pause    = 20 * time.Millisecond
)

// eventually waits for a condition that must come.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

// eventuallyLogged waits for a condition that the servers' logs must bring, and writes them out meanwhile.
func eventuallyLogged(t testing.TB, what string, done func() bool, servers ...*testengine.Server) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s", what, patience)
		}
		for _, s := range servers {
			s.FlushLogs(t)
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
		r.polls(t)
	}
}

// users counts the deliveries by user.
func (r *running) users() map[string]int {
	n := map[string]int{}
	for _, e := range r.emit.Delivered() {
		n[e.User]++
	}
	return n
}

var databases atomic.Int64

// newLog makes an empty table of session_log's shape and returns its name.
func newLog(t testing.TB, s *testengine.Server) string {
	t.Helper()
	name := fmt.Sprintf("default.log_%d", databases.Add(1))
	s.Exec(t, "DROP TABLE IF EXISTS "+name)
	s.Exec(t, "CREATE TABLE "+name+` (
		hostname LowCardinality(String), type Enum8('LoginFailure' = 0, 'LoginSuccess' = 1, 'Logout' = 2, 'Surprise' = 7), auth_id UUID,
		session_id String, event_date Date DEFAULT toDate(event_time_microseconds), event_time DateTime DEFAULT event_time_microseconds,
		event_time_microseconds DateTime64(6), user Nullable(String),
		auth_type Nullable(Enum8('NO_PASSWORD' = 0, 'PLAINTEXT_PASSWORD' = 1, 'SHA256_PASSWORD' = 2)),
		profiles Array(LowCardinality(String)), roles Array(LowCardinality(String)), settings Array(Tuple(LowCardinality(String), String)),
		client_address IPv6, client_port UInt16, interface Enum8('TCP' = 1, 'HTTP' = 2), client_hostname String, client_name String,
		client_revision UInt32, client_version_major UInt32, client_version_minor UInt32, client_version_patch UInt32, failure_reason String
	) ENGINE = MergeTree PARTITION BY toYYYYMM(event_date) ORDER BY (event_date, event_time)`)
	t.Cleanup(func() {
		if !t.Failed() {
			_, _ = s.TryQuery(context.Background(), "DROP TABLE IF EXISTS "+name)
		}
	})
	return name
}

// insert adds successful logins. The same user at the same time gives the same row.
func insert(t testing.TB, s *testengine.Server, table string, rows ...sourcetest.Row) {
	t.Helper()
	insertTyped(t, s, table, "LoginSuccess", rows...)
}

func insertTyped(t testing.TB, s *testengine.Server, table, kind string, rows ...sourcetest.Row) {
	t.Helper()
	var values []string
	for _, r := range rows {
		values = append(values, fmt.Sprintf("('ch-0', '%s', toUUID(reinterpretAsUUID(sipHash128('%s'))), fromUnixTimestamp64Micro(toInt64(%d)), '%s', 'SHA256_PASSWORD', '::ffff:10.0.0.7', 40000, 'TCP')",
			kind, r.User, r.Time.UnixMicro(), r.User))
	}
	s.Exec(t, "INSERT INTO "+table+" (hostname, type, auth_id, event_time_microseconds, user, auth_type, client_address, client_port, interface) VALUES "+
		strings.Join(values, ", "))
}

// rowsOf are n rows, step apart.
func rowsOf(prefix string, n int, from time.Time, step time.Duration) []sourcetest.Row {
	out := make([]sourcetest.Row, n)
	for i := range out {
		out[i] = sourcetest.Row{User: fmt.Sprintf("%s-%04d", prefix, i), Time: from.Add(time.Duration(i) * step).Truncate(time.Microsecond)}
	}
	return out
}

// once fails unless each of the rows was delivered exactly once, and nothing else.
func (r *running) once(t testing.TB, rows ...sourcetest.Row) {
	t.Helper()
	want := map[string]int{}
	for _, row := range rows {
		want[row.User] = 1
	}
	require.Equal(t, want, r.users())
}

// byID indexes delivered events, of which each must be there once.
func (r *running) byID(t testing.TB) map[session.ID]session.Event {
	t.Helper()
	out := map[session.ID]session.Event{}
	for _, e := range r.emit.Delivered() {
		require.NotContains(t, out, e.RecordID)
		out[e.RecordID] = e
	}
	return out
}
