package testengine_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/logins"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

func newClient(tb testing.TB, s *testengine.Server) *logins.Client {
	tb.Helper()
	c := logins.New(s.Native, s.HTTP)
	tb.Cleanup(c.Close)
	return c
}

// recordedSQL is what the server wrote about all but the test engine's own queries and the launcher's local session.
func recordedSQL(s *testengine.Server, columns string) string {
	return fmt.Sprintf("SELECT %s FROM system.session_log WHERE coalesce(user, '') != '%s' AND interface != 'Local'", columns, s.Admin())
}

func TestEveryLoginOfAMixIsRecordedAsItWasMade(t *testing.T) {
	s := testengine.ClickHouse(t)
	done, err := newClient(t, s).Mix(t.Context(), 400, 1, 8)
	require.NoError(t, err)
	require.Len(t, done, 400)

	want := map[string]int{}
	succeeded := 0
	for _, l := range done {
		want[fmt.Sprint(l.Protocol, " ", l.LocalAddr, " ", l.User, " ", l.OK, " ", sessionOf(l))]++
		if l.OK {
			succeeded++
		}
	}
	require.Greater(t, succeeded, 200, "too few logins succeed")
	require.Less(t, succeeded, 350, "too few logins fail")

	logouts := recordedSQL(s, "uniqExact(auth_id), count()") + " AND type = 'Logout'"
	s.WaitQuery(t, logouts, func(rows [][]string) bool { return rows[0][1] == fmt.Sprint(succeeded) })
	got := map[string]int{}
	columns := "interface, replaceOne(toString(client_address), '::ffff:', ''), client_port, user, type = 'LoginSuccess', session_id"
	for _, r := range s.Query(t, recordedSQL(s, columns)+" AND type != 'Logout'") {
		got[fmt.Sprint(r[0], " ", r[1], ":", r[2], " ", r[3], " ", r[4] == "1", " ", r[5])]++
	}
	require.Equal(t, want, got)
}

// sessionOf is what the server records as session_id: only of a login that succeeds.
func sessionOf(l logins.Login) string {
	if l.OK {
		return l.SessionID
	}
	return ""
}

func TestEachLoginHasAnAuthIDThatItsLogoutShares(t *testing.T) {
	s := testengine.ClickHouse(t)
	done, err := newClient(t, s).Mix(t.Context(), 60, 2, 4)
	require.NoError(t, err)
	succeeded := 0
	for _, l := range done {
		if l.OK {
			succeeded++
		}
	}
	pairs := "SELECT countIf(logins = 1 AND logouts = 1), countIf(logins + logouts != 2) FROM (" +
		recordedSQL(s, "auth_id, countIf(type = 'LoginSuccess') AS logins, countIf(type = 'Logout') AS logouts") +
		" AND type != 'LoginFailure' GROUP BY auth_id)"
	s.WaitQuery(t, pairs, func(rows [][]string) bool { return rows[0][0] == fmt.Sprint(succeeded) && rows[0][1] == "0" })
	ids := s.Query(t, recordedSQL(s, "count(), uniqExact(auth_id)")+" AND type = 'LoginFailure'")
	require.Equal(t, fmt.Sprint(len(done)-succeeded), ids[0][0])
	require.Equal(t, ids[0][0], ids[0][1], "two failures share an auth_id")
	versions := s.Query(t, recordedSQL(s, "DISTINCT substring(toString(auth_id), 15, 1), substring(toString(auth_id), 20, 1) IN ('8', '9', 'a', 'b')"))
	require.Equal(t, [][]string{{"4", "1"}}, versions, "not random UUIDs as of a real server")
}

func TestEveryAccountLogsInOverBothProtocols(t *testing.T) {
	s := testengine.ClickHouse(t)
	c := newClient(t, s)
	for _, user := range server.Users {
		for _, p := range []logins.Protocol{logins.Native, logins.HTTP} {
			l, err := c.Login(t.Context(), logins.Attempt{Protocol: p, User: user.Name, Password: user.Password})
			require.NoError(t, err, user.Name)
			require.True(t, l.OK, "%s over %s", user.Name, p)
		}
	}
	s.FlushLogs(t)
	for _, user := range server.Users {
		rows := s.Query(t, fmt.Sprintf("SELECT DISTINCT auth_type, arrayStringConcat(arraySort(roles), ' ') FROM system.session_log "+
			"WHERE user = '%s' AND interface != 'Local' AND type = 'LoginSuccess'", user.Name))
		require.Equal(t, [][]string{{user.AuthType, strings.Join(user.Roles, " ")}}, rows, user.Name)
	}
}

func TestRefusals(t *testing.T) {
	s := testengine.ClickHouse(t)
	c := newClient(t, s)
	for _, a := range []logins.Attempt{
		{User: server.Alice.Name, Password: "wrong"},
		{User: server.Alice.Name, Password: "wrong", Protocol: logins.HTTP},
		{User: server.Alice.Name, Password: "wrong", Protocol: logins.HTTP, Headers: true},
		{User: "nobody"},
		{User: "nobody", Protocol: logins.HTTP},
		{User: server.Frank.Name, Password: server.Frank.Password},
		{User: server.Frank.Name, Password: server.Frank.Password, Protocol: logins.HTTP},
	} {
		l, err := c.Login(t.Context(), a)
		require.NoError(t, err)
		require.False(t, l.OK, "%s over %s was let in", a.User, a.Protocol)
		require.Equal(t, 516, l.Code)
	}
	s.FlushLogs(t)
	require.Equal(t, [][]string{{"7"}}, s.Query(t, recordedSQL(s, "count()")+" AND type = 'LoginFailure'"))
}

func TestAnOpenSessionHasNoLogoutYet(t *testing.T) {
	s := testengine.ClickHouse(t)
	session, login, err := newClient(t, s).Open(t.Context(), logins.Attempt{User: server.Carol.Name, Password: server.Carol.Password, ClientName: "etl"})
	require.NoError(t, err)
	require.True(t, login.OK)
	require.NoError(t, session.Query(t.Context(), "SELECT 1"))
	s.FlushLogs(t)
	own := fmt.Sprintf(" AND client_port = %d", login.LocalAddr.Port())
	rows := s.Query(t, recordedSQL(s, "type, client_name LIKE '%etl%'")+own)
	require.Equal(t, [][]string{{"LoginSuccess", "1"}}, rows)
	require.NoError(t, session.Close())
	s.WaitQuery(t, recordedSQL(s, "count()")+own, func(rows [][]string) bool { return rows[0][0] == "2" })
}

func TestComesFromTheAddressThatIsAskedFor(t *testing.T) {
	s := testengine.ClickHouse(t)
	c := newClient(t, s)
	from := netip.MustParseAddr("127.0.0.9")
	for _, p := range []logins.Protocol{logins.Native, logins.HTTP} {
		l, err := c.Login(t.Context(), logins.Attempt{Protocol: p, User: server.Guest.Name, From: from})
		require.NoError(t, err)
		require.Equal(t, from, l.LocalAddr.Addr())
	}
	s.FlushLogs(t)
	rows := s.Query(t, recordedSQL(s, "DISTINCT toString(client_address)"))
	require.Equal(t, [][]string{{"::ffff:127.0.0.9"}}, rows)
}

func TestAPlanDependsOnItsSeedAlone(t *testing.T) {
	require.Equal(t, logins.Plan(50, 7), logins.Plan(50, 7))
	require.NotEqual(t, logins.Plan(50, 7), logins.Plan(50, 8))
	protocols := map[logins.Protocol]int{}
	for _, a := range logins.Plan(1000, 3) {
		require.NotContains(t, []string{server.Admin.Name, server.Audit.Name}, a.User)
		protocols[a.Protocol]++
	}
	require.Greater(t, min(protocols[logins.Native], protocols[logins.HTTP]), 300)
}
