package testengine

import (
	"context"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otel-sessionlog/sessionlog/testengine/logins"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
	"github.com/otel-sessionlog/sessionlog/testengine/shared"
	"github.com/otel-sessionlog/sessionlog/testengine/zookeeper"
)

// These make this test binary a parent to be killed: it starts a server in the named folder, says how it is reached, and waits.
const (
	envOrphanServer    = "SESSIONLOG_TEST_ORPHAN_SERVER_DIR"    // says its process id
	envOrphanZooKeeper = "SESSIONLOG_TEST_ORPHAN_ZOOKEEPER_DIR" // says its address
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envOrphanServer); dir != "" {
		s, err := server.Start(context.Background(), server.Config{Dir: dir})
		waitToBeKilled(err, func() any { return s.PID })
	}
	if dir := os.Getenv(envOrphanZooKeeper); dir != "" {
		s, err := zookeeper.Start(context.Background(), dir)
		waitToBeKilled(err, func() any { return s.Addr })
	}
	goleak.VerifyTestMain(shared.EndAfter(m))
}

func waitToBeKilled(err error, reached func() any) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(reached())
	select {}
}

// quiet is the server of all tests that change nothing of it for good.
var quiet = shared.New(func(t testing.TB) *Server { return ClickHouse(t, LogsOnDemand()) })

func logIn(tb testing.TB, s *Server, user server.User) logins.Login {
	tb.Helper()
	c := logins.New(s.Native, s.HTTP)
	defer c.Close()
	login, err := c.Login(tb.Context(), logins.Attempt{User: user.Name, Password: user.Password})
	require.NoError(tb, err)
	return login
}

func TestStartsAndAnswers(t *testing.T) {
	s := quiet.Get(t)
	require.Equal(t, [][]string{{"2", "ᴺᵁᴸᴸ"}}, s.Query(t, "SELECT 1 + 1, NULL"))
	s.FlushLogs(t)
	s.FlushLogs(t) // the span log has its first row from the first one
	rows := s.Query(t, "SELECT name FROM system.tables WHERE database = 'system' AND name IN ('session_log', 'query_log', 'opentelemetry_span_log') ORDER BY name")
	require.Equal(t, [][]string{{"opentelemetry_span_log"}, {"query_log"}, {"session_log"}}, rows)
	_, err := s.TryQuery(t.Context(), "SELECT no_such_column")
	require.ErrorContains(t, err, "UNKNOWN_IDENTIFIER")
}

func TestServersStandBesideEachOther(t *testing.T) {
	a, b := ClickHouse(t), ClickHouse(t)
	if a.own == nil {
		skipExternal(t, "it needs two servers")
	}
	a.Exec(t, "CREATE TABLE mine (x Int8) ENGINE = MergeTree ORDER BY x")
	require.Equal(t, [][]string{{"0"}}, b.Query(t, "SELECT count() FROM system.tables WHERE name = 'mine'"))
}

func TestKillKeepsWhatWasFlushed(t *testing.T) {
	s := ClickHouse(t)
	login := logIn(t, s, server.Bob)
	count := fmt.Sprintf("SELECT count(), uniqExact(auth_id) FROM system.session_log WHERE user = 'bob' AND client_port = %d", login.LocalAddr.Port())
	pair := func(rows [][]string) bool { return rows[0][0] == "2" && rows[0][1] == "1" }
	s.WaitQuery(t, count, pair)
	before := s.Query(t, "SELECT * FROM system.session_log WHERE user = 'bob' ORDER BY type")

	pid, native := s.PID, s.Native
	s.Kill(t)
	_, err := net.Dial("tcp", native)
	require.ErrorContains(t, err, "refused")
	s.Restart(t)
	require.Equal(t, native, s.Native)
	require.NotEqual(t, pid, s.PID)
	require.Equal(t, before, s.Query(t, "SELECT * FROM system.session_log WHERE user = 'bob' ORDER BY type"))

	logIn(t, s, server.Bob)
	s.WaitQuery(t, "SELECT count() FROM system.session_log WHERE user = 'bob'", func(rows [][]string) bool { return rows[0][0] == "4" })
}

func TestStopFlushesTheLogs(t *testing.T) {
	s := ClickHouse(t, FlushInterval(time.Hour))
	logIn(t, s, server.Carol)
	s.Stop(t)
	s.Restart(t)
	rows := s.Query(t, "SELECT countIf(type = 'LoginSuccess') FROM system.session_log WHERE user = 'carol'")
	require.Equal(t, [][]string{{"1"}}, rows)
}

func TestKillLosesWhatWasNotFlushed(t *testing.T) {
	s := ClickHouse(t, FlushInterval(time.Hour))
	s.FlushLogs(t)
	logIn(t, s, server.Carol)
	s.Kill(t)
	s.Restart(t)
	require.Equal(t, [][]string{{"0"}}, s.Query(t, "SELECT count() FROM system.session_log WHERE user = 'carol'"))
}

func TestTimezoneApplies(t *testing.T) {
	for _, zone := range []string{"Asia/Kolkata", "America/St_Johns"} {
		t.Run(zone, func(t *testing.T) {
			s := ClickHouse(t, Timezone(zone))
			require.Equal(t, zone, s.Query(t, "SELECT serverTimezone()")[0][0])
			login := logIn(t, s, server.Dave)
			s.FlushLogs(t)
			row := s.Query(t, "SELECT event_time_microseconds, toUnixTimestamp64Micro(event_time_microseconds) FROM system.session_log "+
				"WHERE user = 'dave' AND type = 'LoginSuccess'")[0]
			location, err := time.LoadLocation(zone)
			require.NoError(t, err)
			wall, err := time.ParseInLocation("2006-01-02 15:04:05.000000", row[0], location)
			require.NoError(t, err)
			require.Equal(t, row[1], fmt.Sprint(wall.UnixMicro()))
			require.WithinRange(t, wall, login.Start.Add(-time.Minute), login.End.Add(time.Minute))
		})
	}
}

func TestWithoutSessionLogTheTableIsAbsent(t *testing.T) {
	s := ClickHouse(t, NoSessionLog())
	s.FlushLogs(t)
	tables := "SELECT count() FROM system.tables WHERE database = 'system' AND name = 'session_log'"
	require.Equal(t, [][]string{{"0"}}, s.Query(t, tables))
	s.Restart(t, SessionLog())
	s.FlushLogs(t)
	require.Equal(t, [][]string{{"1"}}, s.Query(t, tables))
}

func TestAChangedLogDefinitionPutsTheOldTableAside(t *testing.T) {
	s := ClickHouse(t)
	logIn(t, s, server.Bob)
	s.FlushLogs(t)
	s.Restart(t, ConfigXML("<session_log><ttl>event_date + INTERVAL 30 DAY</ttl></session_log>"))
	s.FlushLogs(t)
	rows := s.Query(t, "SELECT name FROM system.tables WHERE database = 'system' AND name LIKE 'session_log%' ORDER BY name")
	require.Equal(t, [][]string{{"session_log"}, {"session_log_0"}}, rows)
	require.Equal(t, [][]string{{"0"}}, s.Query(t, "SELECT count() FROM system.session_log WHERE user = 'bob'"))
	require.NotEqual(t, [][]string{{"0"}}, s.Query(t, "SELECT count() FROM system.session_log_0 WHERE user = 'bob'"))
}

func TestUsersAreAdded(t *testing.T) {
	s := ClickHouse(t, Users("<users><grace><password>g</password><networks><ip>::/0</ip></networks></grace></users>"))
	require.True(t, logIn(t, s, server.User{Name: "grace", Password: "g"}).OK)
	require.True(t, logIn(t, s, server.Alice).OK)
}

func TestPauseRefusesAndResumeLetsIn(t *testing.T) {
	s := quiet.Get(t)
	for protocol, address := range map[logins.Protocol]string{logins.Native: s.Native, logins.HTTP: s.HTTP} {
		s.Pause(t, protocol)
		_, err := net.Dial("tcp", address)
		require.ErrorContains(t, err, "refused")
		s.Resume(t, protocol)
		require.True(t, logIn(t, s, server.Bob).OK)
		require.Equal(t, [][]string{{"1"}}, s.Query(t, "SELECT 1"))
	}
}

func TestFreezeAnswersNothing(t *testing.T) {
	s := quiet.Get(t)
	s.Freeze(t)
	conn, err := net.Dial("tcp", s.HTTP)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprint(conn, "GET /ping HTTP/1.0\r\n\r\n")
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
	answer := make([]byte, 16)
	_, err = conn.Read(answer)
	require.ErrorContains(t, err, "timeout")
	s.Thaw(t)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
	_, err = conn.Read(answer)
	require.NoError(t, err)
}

func TestTheReaderMayReadAndErinMayNot(t *testing.T) {
	s := quiet.Get(t)
	s.FlushLogs(t)
	as := func(u server.User) error {
		other := *s
		other.admin = u
		_, err := other.TryQuery(t.Context(), "SELECT count() FROM system.session_log")
		return err
	}
	require.NoError(t, as(server.Audit))
	require.ErrorContains(t, as(server.Erin), "ACCESS_DENIED")
}
