package e2e

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
	"github.com/otel-sessionlog/sessionlog/testengine"
	pgserver "github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// requireRestored is docs/upgrade.md: each backend is backed up while it is written and restored; what came behind the backup is read again
// once the cursors are set back, and nothing is there twice.
func (i *installation) requireRestored(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("sqlite3"); err != nil {
		testengine.Missing(t, "the sqlite3 shell", "install it (Debian, Ubuntu: apt-get install sqlite3)")
	}
	i.start(t)
	waitFor(t, i.http)
	over := make(chan struct{})
	written := i.keepWriting(t, over)
	i.backUp(t)
	close(over)
	last := <-written
	i.sshd(t, sshdSession("after", 2, true, true))
	i.latecomer(t, "behind")
	i.post(t, plogs.NewEncoder("test").Encode([]session.Event{{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, System: "app", Instance: "shop", User: "pushed", Time: time.Now().UnixNano()}}))
	awaitUsers(t, i.database(), last, "after", "behind", "pushed")
	i.kill(t)
	lost := i.stores(t)["sqlite"]

	i.restore(t)
	i.sshd(t, sshdSession("restored", 3, true, true))
	i.start(t)
	awaitUsers(t, i.database(), "restored")
	i.stop(t)
	for name, events := range i.stores(t) {
		require.Contains(t, users(events), "newcomer", name)
		require.Contains(t, users(events), "restored", name)
		require.NotContains(t, users(events), "after", "%s: its cursor is ahead of the backup", name)
	}

	require.NoError(t, os.RemoveAll(i.path("storage"))) // the page's remedy
	i.start(t)
	awaitUsers(t, i.database(), "after", "behind")
	require.Eventually(t, func() bool { return countRows(t, i.database(), "session_events") > len(lost) }, arrival, quick)
	maps.DeleteFunc(lost, func(_ session.ID, event string) bool { return strings.Contains(event, `"User":"pushed"`) }) // nobody has it any more
	var stores map[string]map[session.ID]string
	require.Eventually(t, func() bool { // a server may be behind, and a stop gives back what is under way
		stores = i.stores(t)
		return len(stores["postgresql"]) == len(stores["sqlite"]) && len(stores["clickhouse"]) == len(stores["sqlite"])
	}, arrival, quick)
	i.stop(t)
	for name, events := range stores {
		require.Subset(t, slices.Collect(maps.Keys(events)), slices.Collect(maps.Keys(lost)), name)
		require.Len(t, events, len(stores["sqlite"]), name)
	}
	for _, conflicts := range [][][]string{
		query(t, i.database(), "SELECT count(*) FROM session_conflicts"), i.postgresql.QueryIn(t, pgserver.AppDB, "SELECT count(*) FROM logins.session_conflicts"),
		i.clickhouse.Query(t, "SELECT count() FROM logins.session_conflicts"),
	} {
		require.Equal(t, [][]string{{"1"}}, conflicts, "that of the fixture")
	}
}

// keepWriting adds logins until it is told that it is over, and then says who was the last.
func (i *installation) keepWriting(t *testing.T, over chan struct{}) (last chan string) {
	t.Helper()
	last = make(chan string, 1)
	go func() {
		user := ""
		for n := 0; ; n++ {
			select {
			case <-over:
				last <- user
				return
			case <-time.After(20 * time.Millisecond):
				user = fmt.Sprintf("during-%d", n)
				i.sshd(t, sshdSession(user, 1000+n, true, true))
			}
		}
	}()
	return last
}

// latecomer adds a login of ClickHouse.
func (i *installation) latecomer(t *testing.T, user string) {
	t.Helper()
	i.clickhouse.Exec(t, "INSERT INTO source.session_log SELECT * REPLACE (generateUUIDv4() AS auth_id, today() AS event_date, now() AS event_time, now64(6) AS event_time_microseconds, '"+user+"' AS user)"+
		" FROM source.session_log WHERE type = 'LoginSuccess' ORDER BY event_time DESC LIMIT 1")
}

func (i *installation) backUp(t *testing.T) {
	t.Helper()
	runCommand(t, nil, "sqlite3", i.database(), "VACUUM INTO '"+i.path("backup.db")+"'")
	runCommand(t, i.postgresqlTools(), "pg_dump", "--format", "custom", "--schema", logsDatabase, "--file", i.path("backup.dump"))
	i.clickhouse.Exec(t, "BACKUP DATABASE "+logsDatabase+" TO File('"+i.backups+"/backup')")
}

// restore loses everything, and brings back what the backup has.
func (i *installation) restore(t *testing.T) {
	t.Helper()
	for _, end := range []string{"", "-wal", "-shm"} {
		require.NoError(t, os.RemoveAll(i.database()+end))
	}
	require.NoError(t, os.Rename(i.path("backup.db"), i.database()))
	i.postgresql.ExecIn(t, pgserver.AppDB, "DROP SCHEMA "+logsDatabase+" CASCADE")
	runCommand(t, i.postgresqlTools(), "pg_restore", "--exit-on-error", "--dbname", pgserver.AppDB, i.path("backup.dump"))
	i.clickhouse.Exec(t, "DROP DATABASE "+logsDatabase+" SYNC")
	i.clickhouse.Exec(t, "RESTORE DATABASE "+logsDatabase+" FROM File('"+i.backups+"/backup')")
}

// users are those of a backend's events.
func users(events map[session.ID]string) (all []string) {
	for _, event := range events {
		_, after, _ := strings.Cut(event, `"User":"`)
		user, _, _ := strings.Cut(after, `"`)
		all = append(all, user)
	}
	return all
}
