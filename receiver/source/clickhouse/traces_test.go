package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/otel/trace"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/logins"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// tracing ties logins to traces. A poll that asks for them costs the engine 60 ms of computing: polls while rows settle are the most of what a test costs.
func tracing(s *testengine.Server, settle time.Duration) Config {
	cfg := config(endpoint(s, "native"), server.Audit)
	if settle > 0 {
		cfg.CollectionInterval, cfg.ReconcileInterval = time.Second, 2*time.Second
	}
	cfg.TraceCorrelation = TraceConfig{Enabled: true, Settle: settle}
	return cfg
}

// tracingSince reads the logins of a test, of which all is logged before it begins to read.
func tracingSince(s *testengine.Server, since time.Time) Config {
	cfg := tracing(s, 0)
	cfg.Initial = since.Format(time.RFC3339Nano)
	return cfg
}

// settled is longer than the engine takes to write its logs, on a machine that has other things to do.
const settled = 3 * time.Second

func newTrace() trace.SpanContext {
	c := trace.SpanContextConfig{TraceFlags: trace.FlagsSampled, Remote: true}
	for i := range c.TraceID {
		c.TraceID[i] = byte(rand.Uint32())
	}
	for i := range c.SpanID {
		c.SpanID[i] = byte(1 + rand.IntN(255))
	}
	return trace.NewSpanContext(c)
}

func traceParent(c trace.SpanContext) string {
	return fmt.Sprintf("00-%s-%s-01", c.TraceID(), c.SpanID())
}

// open logs in over the native protocol, under a client's name, and stays.
func open(t testing.TB, s *testengine.Server, user server.User, name string) *logins.Session {
	t.Helper()
	stays, _, err := logins.New(s.Native, s.HTTP).Open(t.Context(), logins.Attempt{User: user.Name, Password: user.Password, ClientName: name})
	require.NoError(t, err)
	return stays
}

// query runs a query, under a trace where c is valid.
func query(t testing.TB, at *logins.Session, c trace.SpanContext) {
	t.Helper()
	require.NoError(t, at.Query(trace.ContextWithRemoteSpanContext(t.Context(), c), "SELECT 1"))
}

// polls waits until everything that is there now has been looked at.
func (r *running) polls(t testing.TB) {
	t.Helper()
	from := r.stats.Counts().ReadCalls
	eventually(t, "polls", func() bool { return r.stats.Counts().ReadCalls > from+2 })
}

// find returns the one delivered event of a kind that a test's names are in.
func (r *running) find(kind session.Kind, is func(*session.Event) bool) *session.Event {
	for _, e := range r.emit.Delivered() {
		if e.Kind == kind && is(&e) {
			return &e
		}
	}
	return nil
}

func (r *running) login(t testing.TB, is func(*session.Event) bool) session.Event {
	t.Helper()
	var found *session.Event
	eventually(t, "the login", func() bool {
		found = r.find(session.KindLogin, is)
		return found != nil
	})
	return *found
}

func named(name string) func(*session.Event) bool {
	return func(e *session.Event) bool { return strings.HasSuffix(e.ClientName, name) || e.SessionName == name }
}

func TestALoginBearsTheTraceOfItsFirstTracedQuery(t *testing.T) {
	s, since := quiet.Get(t), time.Now()
	first, second, web := newTrace(), newTrace(), newTrace()
	native := open(t, s, server.Bob, "traced")
	query(t, native, trace.SpanContext{})
	query(t, native, first)
	query(t, native, second)
	require.NoError(t, native.Close())
	plain := open(t, s, server.Bob, "untraced")
	query(t, plain, trace.SpanContext{})
	require.NoError(t, plain.Close())
	c := logins.New(s.Native, s.HTTP)
	defer c.Close()
	for i, parent := range []string{traceParent(web), ""} {
		_, err := c.Login(t.Context(), logins.Attempt{Protocol: logins.HTTP, User: server.Bob.Name, Password: server.Bob.Password, SessionID: fmt.Sprint("web-", i), TraceParent: parent})
		require.NoError(t, err)
	}
	logged(t, s, since, 4, 6, first, second, web)
	r := run(t, tracingSince(s, since), nil)

	e := r.login(t, named("traced"))
	require.Equal(t, [16]byte(first.TraceID()), e.TraceID)
	require.Equal(t, clickhouselog.CorrelationQueryLog, e.Correlation)
	spans := s.Query(t, fmt.Sprintf("SELECT count() FROM system.opentelemetry_span_log WHERE operation_name = 'query' AND span_id = reinterpretAsUInt64(reverse(unhex('%x')))", e.SpanID))
	require.Equal(t, "1", spans[0][0], "the span is that of the query")
	e = r.login(t, named("web-0"))
	require.Equal(t, [16]byte(web.TraceID()), e.TraceID)
	for _, name := range []string{" untraced", "web-1"} {
		e = r.login(t, named(name))
		require.Zero(t, e.TraceID, name)
		require.Empty(t, e.Correlation)
	}
	r.polls(t)
	require.Nil(t, r.find(session.KindSessionUpdate, func(*session.Event) bool { return true }), "all was known in time")
	matched, ambiguous := r.stats.Correlations()
	require.Equal(t, 2, matched)
	require.Zero(t, ambiguous)
}

// What the client says of itself is told as such, and only where nothing better is known.
func TestAClaimedTraceIsMarked(t *testing.T) {
	s, since := quiet.Get(t), time.Now()
	claimed, proved := newTrace(), newTrace()
	liar := open(t, s, server.Bob, traceParent(claimed))
	require.NoError(t, liar.Close())
	honest := open(t, s, server.Dave, traceParent(claimed))
	query(t, honest, proved)
	require.NoError(t, honest.Close())
	logged(t, s, since, 2, 1, proved)
	r := run(t, tracingSince(s, since), nil)
	e := r.login(t, func(e *session.Event) bool { return e.User == server.Bob.Name })
	require.Equal(t, [16]byte(claimed.TraceID()), e.TraceID)
	require.Equal(t, session.CorrelationClaimed, e.Correlation)
	e = r.login(t, func(e *session.Event) bool { return e.User == server.Dave.Name })
	require.Equal(t, [16]byte(proved.TraceID()), e.TraceID)
	require.Equal(t, clickhouselog.CorrelationQueryLog, e.Correlation)
}

// A connection of a pool logs in long before its first traced query: an update tells of it, once.
func TestALaterTraceIsDeliveredAsAnUpdate(t *testing.T) {
	s, since := quiet.Get(t), time.Now()
	store := &sourcetest.Store{}
	cfg := tracingSince(s, since)
	pool := open(t, s, server.Bob, "pool")
	early := open(t, s, server.Bob, "early")
	query(t, pool, trace.SpanContext{})
	inTime := newTrace()
	query(t, early, inTime)
	logged(t, s, since, 0, 2, inTime)
	r := run(t, cfg, store)
	login := r.login(t, named("pool"))
	require.Zero(t, login.TraceID)
	require.Equal(t, [16]byte(inTime.TraceID()), r.login(t, named("early")).TraceID)

	late := newTrace()
	query(t, pool, late)
	query(t, early, newTrace())
	logged(t, s, since, 0, 4, late)
	update := func() *session.Event {
		return r.find(session.KindSessionUpdate, func(*session.Event) bool { return true })
	}
	eventually(t, "the update", func() bool { return update() != nil })
	told := *update()
	require.Equal(t, [16]byte(late.TraceID()), told.TraceID)
	require.Equal(t, login.SessionKey, told.SessionKey)
	require.Equal(t, login.Time, told.Time)
	require.Equal(t, clickhouselog.CorrelationQueryLog, told.Correlation)
	require.Equal(t, []session.Attr{{Key: session.AttrLoginUID, Value: login.RecordID.String()}}, told.Extra)

	// After a restart neither that nor a second trace is told.
	r.polls(t)
	r.stop()
	query(t, pool, newTrace())
	query(t, early, newTrace())
	require.NoError(t, pool.Close())
	require.NoError(t, early.Close())
	logged(t, s, since, 2, 6)
	again := run(t, cfg, store)
	eventually(t, "the logouts", func() bool { return again.users()[server.Bob.Name] == 2 })
	again.polls(t)
	require.Nil(t, again.find(session.KindSessionUpdate, func(*session.Event) bool { return true }))
	r.emit = again.emit
	require.Nil(t, update())
}

// logged writes the logs out until they hold so much of people's sessions since a time. A login that is read before is told without its trace.
func logged(t *testing.T, s *testengine.Server, since time.Time, logouts, queries int, traces ...trace.SpanContext) {
	t.Helper()
	ids := []string{"''"}
	for _, c := range traces {
		ids = append(ids, "'"+uuid.UUID(c.TraceID()).String()+"'")
	}
	theirs := fmt.Sprintf("user NOT IN ('%s', '%s') AND event_time_microseconds >= fromUnixTimestamp64Micro(toInt64(%d))", s.Admin(), server.Audit.Name, since.UnixMicro())
	sql := fmt.Sprintf("SELECT (SELECT count() FROM system.session_log WHERE type = 'Logout' AND %[1]s) >= %[2]d"+
		" AND (SELECT count() FROM system.query_log WHERE type = 'QueryFinish' AND interface IN (1, 2) AND %[1]s) >= %[3]d"+
		" AND (SELECT uniqExact(trace_id) FROM system.opentelemetry_span_log WHERE toString(trace_id) IN (%[4]s)) = %[5]d", theirs, logouts, queries, strings.Join(ids, ", "), len(traces))
	s.FlushLogs(t) // makes the span log
	s.WaitQuery(t, sql, func(rows [][]string) bool { return rows[0][0] == "1" || rows[0][0] == "true" })
}

// Where the logs are written later than settle, logins are told without their trace, and the trace is told behind them.
func TestASettleThatIsTooSmallMakesUpdates(t *testing.T) {
	s := testengine.ClickHouse(t) // query_log and the span log are written on demand alone
	s.FlushLogs(t)
	r := run(t, tracing(s, 0), nil)
	web, native := newTrace(), newTrace()
	c := logins.New(s.Native, s.HTTP)
	defer c.Close()
	_, err := c.Login(t.Context(), logins.Attempt{Protocol: logins.HTTP, User: server.Bob.Name, Password: server.Bob.Password, SessionID: "web", TraceParent: traceParent(web)})
	require.NoError(t, err)
	stays := open(t, s, server.Dave, "stays")
	query(t, stays, native)
	require.Zero(t, r.login(t, named("web")).TraceID)
	require.Zero(t, r.login(t, named("stays")).TraceID)
	s.FlushLogs(t)
	for user, want := range map[string]trace.SpanContext{server.Bob.Name: web, server.Dave.Name: native} {
		is := func(e *session.Event) bool { return e.User == user }
		eventually(t, "the update of "+user, func() bool { return r.find(session.KindSessionUpdate, is) != nil })
		require.Equal(t, [16]byte(want.TraceID()), r.find(session.KindSessionUpdate, is).TraceID)
	}
	require.NoError(t, stays.Close())
}

// Many sessions of several users from one address: keep-alive connections that change their user with each request, native
// connections that begin untraced. Every name must have its own trace, or none.
func TestTracesOfManySessionsAreNotMixedUp(t *testing.T) {
	const sessions, requests = 100, 4
	s := testengine.ClickHouse(t, testengine.TraceLogs())
	r := run(t, tracing(s, settled), nil)
	users := []server.User{server.Bob, server.Carol, server.Dave, server.Guest}
	var want sync.Map
	var wg sync.WaitGroup
	var failed atomic.Int64
	for i := range sessions {
		wg.Go(func() {
			var err error
			if i%2 == 0 {
				err = keepAlive(t.Context(), s, i, requests, users, &want)
			} else {
				err = pooled(t.Context(), s, i, requests, users[i%len(users)], &want)
			}
			if err != nil {
				failed.Add(1)
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Zero(t, failed.Load())
	const all = sessions/2*requests + sessions/2
	ours := func() (n int) {
		for _, e := range r.emit.Delivered() {
			if _, ok := want.Load(nameOf(&e)); ok && e.Kind == session.KindLogin {
				n++
			}
		}
		return n
	}
	eventually(t, "all logins", func() bool { return ours() == all })
	r.polls(t)
	got := map[string][16]byte{}
	names := map[session.ID]string{}
	for _, e := range r.emit.Delivered() {
		if e.Kind == session.KindLogin {
			names[e.SessionKey] = nameOf(&e)
		}
	}
	for _, e := range r.emit.Delivered() {
		if e.TraceID != ([16]byte{}) {
			got[names[e.SessionKey]] = e.TraceID
		}
	}
	want.Range(func(name, id any) bool {
		require.Equal(t, id, got[name.(string)], name)
		return true
	})
	_, ambiguous := r.stats.Correlations()
	require.Zero(t, ambiguous)
}

// nameOf is what a session of that test calls itself.
func nameOf(e *session.Event) string {
	if e.SessionName != "" {
		return e.SessionName
	}
	return e.ClientName[strings.LastIndexByte(e.ClientName, ' ')+1:]
}

// keepAlive sends requests of changing users over one connection; every third has no trace.
func keepAlive(ctx context.Context, s *testengine.Server, i, n int, users []server.User, want *sync.Map) error {
	transport := &http.Transport{MaxConnsPerHost: 1}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for k := range n {
		name, user := fmt.Sprintf("web-%d-%d", i, k), users[(i/2+k)%len(users)]
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.HTTP+"/?session_id="+name, strings.NewReader("SELECT 1"))
		if err != nil {
			return err
		}
		req.SetBasicAuth(user.Name, user.Password)
		c := trace.SpanContext{}
		if k%3 != 2 {
			c = newTrace()
			req.Header.Set("traceparent", traceParent(c))
		}
		want.Store(name, [16]byte(c.TraceID()))
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s %w", name, resp.Status, err)
		}
	}
	return nil
}

// pooled queries over one native connection, at first without a trace; every fifth session never has one.
func pooled(ctx context.Context, s *testengine.Server, i, n int, user server.User, want *sync.Map) error {
	name := fmt.Sprintf("native-%d", i)
	at, _, err := logins.New(s.Native, s.HTTP).Open(ctx, logins.Attempt{User: user.Name, Password: user.Password, ClientName: name})
	if err != nil {
		return err
	}
	want.Store(name, [16]byte{})
	for k := range n {
		c := trace.SpanContext{}
		if k > 0 && i%5 != 0 {
			c = newTrace()
			if k == 1 {
				want.Store(name, [16]byte(c.TraceID()))
			}
		}
		if err := at.Query(trace.ContextWithRemoteSpanContext(ctx, c), "SELECT 1"); err != nil {
			return err
		}
	}
	return at.Close()
}

// doubtfulSession is one with one traced query, of which the log tells more than there was, as of one behind a proxy that shares its ports: replace
// are columns that its rows have otherwise, beside is a row of the connection for each of its own that where leaves.
type doubtfulSession struct {
	name, replace, beside, where string
	traced, ambiguous            bool

	login logins.Login
	trace trace.SpanContext
}

func doubtfulSessions() []*doubtfulSession {
	return []*doubtfulSession{
		{name: "as it was", traced: true},
		{
			name: "another session was open meanwhile", ambiguous: true, where: "type = 'LoginSuccess'",
			beside: "generateUUIDv4() AS auth_id, addMicroseconds(event_time_microseconds, -1) AS event_time_microseconds, 'carol' AS user",
		},
		{
			name: "another session began meanwhile", ambiguous: true, where: "type = 'LoginSuccess'",
			beside: "generateUUIDv4() AS auth_id, addMicroseconds(event_time_microseconds, 1) AS event_time_microseconds, 'carol' AS user",
		},
		{name: "the session before ended in time", traced: true, where: "1", beside: "toUUID('00000000-0000-4000-8000-000000000001') AS auth_id, " +
			"addSeconds(event_time_microseconds, if(type = 'Logout', -60, -30)) AS event_time_microseconds, if(type = 'Logout', 'LoginSuccess', 'Logout') AS type"},
		{
			name: "the end of the session before was lost", ambiguous: true, where: "type = 'LoginSuccess'",
			beside: "generateUUIDv4() AS auth_id, addSeconds(event_time_microseconds, -30) AS event_time_microseconds",
		},
		{name: "the query is another user's", ambiguous: true, replace: "'carol' AS user"},
		{name: "the session was over", replace: "addSeconds(event_time_microseconds, -5) AS event_time_microseconds"},
		{name: "another node", replace: "'other' AS hostname"},
		{name: "another interface", replace: "'HTTP' AS interface"},
	}
}

func (d *doubtfulSession) makeSession(t *testing.T, s *testengine.Server) {
	t.Helper()
	at, login, err := logins.New(s.Native, s.HTTP).Open(t.Context(), logins.Attempt{User: server.Bob.Name, Password: server.Bob.Password})
	require.NoError(t, err)
	d.login, d.trace = login, newTrace()
	query(t, at, d.trace)
	require.NoError(t, at.Close())
}

// writeRows tells of the session in a table.
func (d *doubtfulSession) writeRows(t *testing.T, s *testengine.Server, table string) {
	t.Helper()
	rows := fmt.Sprintf(" FROM system.session_log WHERE client_port = %d AND interface = 'TCP' AND event_time_microseconds >= fromUnixTimestamp64Micro(%d)",
		d.login.LocalAddr.Port(), d.login.Start.UnixMicro())
	s.WaitQuery(t, "SELECT count()"+rows, func(rows [][]string) bool { return rows[0][0] == "2" })
	const columns = "event_time_microseconds, auth_id, user, hostname, client_address, client_port"
	s.Exec(t, "INSERT INTO "+table+" ("+columns+", type, interface) SELECT "+columns+", toString(type), toString(interface)"+
		" FROM (SELECT * REPLACE ("+cmp.Or(d.replace, "user AS user")+") FROM (SELECT *"+rows+"))")
	if d.beside != "" {
		s.Exec(t, "INSERT INTO "+table+" SELECT * REPLACE ("+d.beside+") FROM "+table+" WHERE client_port = "+fmt.Sprint(d.login.LocalAddr.Port())+" AND "+d.where)
	}
}

// Where two sessions could have sent a query, neither has its trace. Ambiguous ones have a table for themselves: a session counts once at most, so
// that the sum says of each which it was.
func TestAnAmbiguousTraceIsNone(t *testing.T) {
	s := quiet.Get(t)
	for _, ambiguous := range []bool{false, true} {
		all := slices.DeleteFunc(doubtfulSessions(), func(d *doubtfulSession) bool { return d.ambiguous != ambiguous })
		table, want := newLog(t, s), 0
		for _, d := range all {
			d.makeSession(t, s)
		}
		for _, d := range all {
			d.writeRows(t, s, table)
			if ambiguous {
				want++
			}
		}
		cfg := tracing(s, 0)
		cfg.Username, cfg.Password, cfg.Table = server.Admin.Name, configopaque.String(server.Admin.Password), table
		r := run(t, cfg, nil)
		r.polls(t)
		r.stop()
		for _, d := range all {
			var traced []session.Event
			for _, e := range r.emit.Delivered() {
				if e.ClientPort == int32(d.login.LocalAddr.Port()) && e.TraceID != ([16]byte{}) {
					require.Equal(t, [16]byte(d.trace.TraceID()), e.TraceID, d.name)
					require.LessOrEqual(t, d.login.Start.UnixMicro(), e.Time/1000, "%s: the session before has no trace", d.name)
					traced = append(traced, e)
				}
			}
			require.Equal(t, d.traced, len(traced) == 1, d.name)
			require.LessOrEqual(t, len(traced), 1, d.name)
		}
		_, found := r.stats.Correlations()
		require.Equal(t, want, found)
	}
}

func TestTracesNeedTheirGrants(t *testing.T) {
	s := testengine.ClickHouse(t, testengine.TraceLogs(), testengine.Users("<users><erin><grants><query>GRANT SELECT ON system.session_log*</query></grants></erin></users>"))
	c := logins.New(s.Native, s.HTTP)
	defer c.Close()
	_, err := c.Login(t.Context(), logins.Attempt{Protocol: logins.HTTP, User: server.Bob.Name, Password: server.Bob.Password, TraceParent: traceParent(newTrace())})
	require.NoError(t, err)
	s.FlushLogs(t)
	s.FlushLogs(t)
	cfg := tracing(s, 0)
	cfg.Username, cfg.Password = server.Erin.Name, "erin-pw"
	r := run(t, cfg, nil)
	eventually(t, "the remedy", func() bool {
		err := r.lastStatus()
		return err != nil && strings.Contains(err.Error(), "GRANT SELECT ON system.query_log TO erin")
	})
}

// Rows are left alone until they are old enough; those of a clock that is wrong are not waited for.
func TestYoungRowsAreLeftToSettle(t *testing.T) {
	s := quiet.Get(t)
	table := newLog(t, s)
	cfg := tracing(s, time.Hour)
	cfg.Username, cfg.Password = server.Admin.Name, "engine-pw"
	cfg.Table = table
	now := time.Now()
	old, future := rowsOf("old", 2, now.Add(-2*time.Hour), time.Second), rowsOf("future", 2, now.Add(50*time.Hour), time.Second)
	insert(t, s, table, rowsOf("young", 2, now, time.Second)...)
	insert(t, s, table, append(old, future...)...)
	r := run(t, cfg, nil)
	eventually(t, "settled rows", func() bool { return len(r.emit.Delivered()) >= 4 })
	r.polls(t)
	r.once(t, append(old, future...)...)
	require.Equal(t, time.Hour, r.stats.Counts().Lag)
}
