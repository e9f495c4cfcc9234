package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/logins"
	pglogins "github.com/otel-sessionlog/sessionlog/testengine/postgresql/logins"
	pgserver "github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// TestTwoCollectors is examples/two-collectors: both read the same servers into one table, and take what a balancer sends to either. One is
// killed, then the other. Each login is there once, and none of it is called a forgery.
func TestTwoCollectors(t *testing.T) {
	t.Parallel()
	both := newTwoCollectors(t)
	client := logins.New(both[0].clickhouse.Native, both[0].clickhouse.HTTP)
	defer client.Close()
	plan := logins.Plan(90, 7)
	var done []pglogins.Login
	for n, victim := range []int{0, 1, -1} {
		_, err := client.Run(t.Context(), plan[n*30:(n+1)*30], 4)
		require.NoError(t, err)
		some, err := both[0].postgresql.Logins(t).Mix(t.Context(), 6, uint64(n), 2)
		require.NoError(t, err)
		done = append(done, some...)
		both[0].clickhouse.FlushLogs(t)
		if victim < 0 {
			break
		}
		both[victim].kill(t)
		// Whoever was answered by the one that died without knowing it sends again, to the other.
		pushed := plogs.NewEncoder("test").Encode([]session.Event{{
			Kind: session.KindLogin, Outcome: session.OutcomeSuccess, System: "app", Instance: "shop", User: "pushed", Time: time.Now().UnixNano(), RecordID: session.ID{1: 1, 15: byte(n)},
		}})
		waitFor(t, both[1-victim].http)
		both[1-victim].post(t, pushed)
		both[victim].start(t)
		waitFor(t, both[victim].http)
		both[victim].post(t, pushed)
	}
	both[0].requireEachOnce(t, done)
	for _, i := range both {
		i.stop(t)
	}
	both[0].requireEachOnce(t, done)
	require.Equal(t, [][]string{{"0"}}, both[0].postgresql.QueryIn(t, pgserver.AppDB, "SELECT count(*) FROM session_conflicts"))
}

// besideEachOther is what differs from the example: both are on one machine, and the test does not wait.
const besideEachOther = `
receivers:
  sessionlog/clickhouse: {clickhouse: {collection_interval: 200ms}}
  sessionlog/postgresql: {postgresql: {collection_interval: 200ms, undecided_after: 500ms}}
service: {telemetry: {metrics: {level: none}}}
`

func newTwoCollectors(t *testing.T) [2]*installation {
	t.Helper()
	config, err := filepath.Abs("../../examples/two-collectors/collector.yaml")
	require.NoError(t, err)
	accounts := [2]string{"audit_a", "audit_b"}
	const account = "<%s><password>secret</password><grants><query>GRANT SELECT ON system.*</query></grants></%[1]s>"
	one := newInstallation(t, config, testengine.Users("<users>"+fmt.Sprintf(account, accounts[0])+fmt.Sprintf(account, accounts[1])+"</users>"))
	var both [2]*installation
	for n := range both {
		other := *one
		other.grpc, other.http = freeAddress(t), freeAddress(t)
		other.collector = other.secondCollector(t, config)
		other.env = append(other.env, environment(map[string]string{
			"CLICKHOUSE_USER": accounts[n], "CLICKHOUSE_PASSWORD": "secret", "OTHER_CLICKHOUSE_USER": accounts[1-n],
			"POSTGRESQL_PASSWORD": pgserver.Audit.Password, "POSTGRESQL_DATABASE": pgserver.AppDB,
			"TABLE": one.postgresql.Address, "TABLE_USER": pgserver.Admin.Name, "TABLE_PASSWORD": pgserver.Admin.Password, "TABLE_DATABASE": pgserver.AppDB,
			"READY": "127.0.0.1:0",
		})...)
		other.overlay = other.path("overlay.yaml")
		require.NoError(t, os.WriteFile(other.overlay, []byte(besideEachOther), 0o600))
		other.start(t)
		both[n] = &other
	}
	return both
}

// requireEachOnce compares the table with what ClickHouse has logged, and what was done at PostgreSQL.
func (i *installation) requireEachOnce(t *testing.T, done []pglogins.Login) {
	t.Helper()
	want := map[string]int{"shop login success": 2}
	for _, row := range i.clickhouse.Query(t, `SELECT concat('warehouse ', multiIf(type = 'Logout', 'logout', 'login'), ' ', if(type = 'LoginFailure', 'failure', 'success')), count()
		FROM system.session_log WHERE user NOT IN ('testengine', 'audit_a', 'audit_b') OR type = 'LoginFailure' GROUP BY 1`) {
		want[row[0]], _ = strconv.Atoi(row[1])
	}
	for _, l := range done {
		switch l.Outcome {
		case pglogins.Succeeded:
			want["orders login success"]++
			want["orders logout success"]++
		case pglogins.Refused:
			want["orders login failure"]++
		case pglogins.Abandoned:
		}
	}
	got := map[string]int{}
	require.Eventually(t, func() bool {
		clear(got)
		rows, err := i.postgresql.TryQueryIn(t.Context(), pgserver.AppDB, `SELECT instance || ' ' || kind || ' ' || outcome, count(*) FROM session_events
			WHERE user_name <> 'testengine' AND (user_name <> 'audit' OR instance = 'warehouse') GROUP BY 1`)
		if err != nil {
			return false // not made yet
		}
		for _, row := range rows {
			got[row[0]], _ = strconv.Atoi(row[1])
		}
		return fmt.Sprint(want) == fmt.Sprint(got)
	}, patience, 4*quick, "%v, and the table has %v", want, &got)
}
