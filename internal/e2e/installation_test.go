package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	pgbackend "github.com/otel-sessionlog/sessionlog/exporter/backend/postgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	pgsource "github.com/otel-sessionlog/sessionlog/receiver/source/postgresql"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	pgserver "github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// installation is the collector of testdata/releases/collector.yaml: it reads a host's log, a ClickHouse and a PostgreSQL, and takes OTLP,
// and writes into all three backends, of which two are on the servers that it reads.
type installation struct {
	*collector
	clickhouse *testengine.Server
	postgresql *postgresql.Server
	backups    string // a folder that ClickHouse may write into
	grpc, http string // addresses
}

const logsDatabase = "logins" // of ClickHouse, and the schema in PostgreSQL's database

func newInstallation(t *testing.T, config string, options ...testengine.Option) *installation {
	t.Helper()
	i := &installation{backups: openFolder(t), grpc: freeAddress(t), http: freeAddress(t)}
	i.clickhouse = testengine.ClickHouse(t, append(options, testengine.LogsOnDemand(), testengine.ConfigXML("<backups><allowed_path>"+i.backups+"</allowed_path></backups>"))...)
	i.postgresql = postgresql.Start(t, postgresql.Version(15)) // Debian's pg_dump takes nothing newer
	i.postgresql.ExecIn(t, pgserver.AppDB, pgsource.InstallSQL)
	i.postgresql.Exec(t, "GRANT sessionlog_logs TO "+pgserver.Audit.Name)
	i.collector = i.secondCollector(t, config)
	return i
}

// secondCollector has a state of its own.
func (i *installation) secondCollector(t *testing.T, config string) *collector {
	t.Helper()
	col := newCollector(t, "", "")
	col.config = config
	col.env = environment(map[string]string{
		"STATE_DIRECTORY": col.dir, "OTLP_GRPC": i.grpc, "OTLP_HTTP": i.http, "CLICKHOUSE": i.clickhouse.Native, "POSTGRESQL": i.postgresql.Address,
	})
	return col
}

func (i *installation) path(name string) string { return filepath.Join(i.dir, name) }

// stores are the events of each backend, as JSON, by their ids.
func (i *installation) stores(t *testing.T) map[string]map[session.ID]string {
	t.Helper()
	lite := sqlite.DefaultConfig()
	lite.Path = i.database()
	pg := pgbackend.DefaultConfig()
	pg.Endpoints, pg.Username, pg.Password = []string{i.postgresql.Address}, pgserver.Admin.Name, configopaque.String(pgserver.Admin.Password)
	pg.Database, pg.Schema = pgserver.AppDB, logsDatabase
	ch := clickhouse.DefaultConfig()
	ch.Endpoints, ch.Username, ch.Password = []string{"clickhouse://" + i.clickhouse.Native}, server.Admin.Name, configopaque.String(server.Admin.Password)
	ch.Database = logsDatabase
	return map[string]map[session.ID]string{
		"sqlite": eventsByID(t, backendtest.StoredEvents(t.Context(), sqlite.OpenQueryStore, lite, "arrival")), "postgresql": eventsByID(t, backendtest.StoredEvents(t.Context(), pgbackend.OpenQueryStore, pg, "record_id")),
		"clickhouse": eventsByID(t, backendtest.StoredEvents(t.Context(), clickhouse.OpenQueryStore, ch, "record_id")),
	}
}

func eventsByID(t *testing.T, events iter.Seq2[*session.Event, error]) map[session.ID]string {
	t.Helper()
	all := map[session.ID]string{}
	for e, err := range events {
		require.NoError(t, err)
		require.NotContains(t, all, e.RecordID, "once")
		all[e.RecordID] = eventText(t, e)
	}
	return all
}

// eventText is JSON, in which an empty list is none. PostgreSQL keeps the attributes without a field in an order of its own.
func eventText(t *testing.T, e *session.Event) string {
	t.Helper()
	slices.SortFunc(e.Extra, func(a, b session.Attr) int { return strings.Compare(a.Key, b.Key) })
	text, err := json.Marshal(e)
	require.NoError(t, err)
	return strings.ReplaceAll(string(text), ":[]", ":null")
}

// awaitUsers waits until a file of SQLite has a record of each user.
func awaitUsers(t *testing.T, file string, users ...string) {
	t.Helper()
	missing := slices.Clone(users)
	require.Eventually(t, func() bool {
		for _, row := range query(t, file, "SELECT DISTINCT user FROM session_log") {
			missing = slices.DeleteFunc(missing, func(user string) bool { return user == row[0] })
		}
		return len(missing) == 0
	}, arrival, quick, "no record of %v", &missing)
}

// sshdSession is the lines of one session: its login, its logout, or both.
func sshdSession(user string, pid int, login, logout bool) string {
	head := fmt.Sprintf("%s host-1 sshd[%d]: ", time.Now().Format("2006-01-02T15:04:05.000000-07:00"), pid)
	text := ""
	if login {
		text += head + "Accepted publickey for " + user + " from 192.0.2.7 port 1024 ssh2: ED25519 SHA256:PcCpmeqAGLM2znGCnA/qBQir4tIJ0w06IFpnpZZF2Jc\n"
	}
	if logout {
		text += head + "pam_unix(sshd:session): session closed for user " + user + "\n"
	}
	return text
}

func (i *installation) sshd(t *testing.T, lines ...string) {
	t.Helper()
	file, err := os.OpenFile(i.path("auth.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = file.WriteString(strings.Join(lines, ""))
	require.NoError(t, err)
	require.NoError(t, file.Close())
}

// post sends records over OTLP/HTTP in JSON.
func (i *installation) post(t *testing.T, logs plog.Logs) {
	t.Helper()
	body, err := plogotlp.NewExportRequestFromLogs(logs).MarshalJSON()
	require.NoError(t, err)
	answer, err := http.Post("http://"+i.http+"/v1/logs", "application/json", bytes.NewReader(body))
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
}

func runCommand(t *testing.T, env []string, name string, arguments ...string) {
	t.Helper()
	command := exec.CommandContext(context.WithoutCancel(t.Context()), name, arguments...)
	command.Env = append(os.Environ(), env...)
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s: %s", name, out)
}

// postgresqlTools says to pg_dump, pg_restore and psql where the server is.
func (i *installation) postgresqlTools() []string {
	host, port, _ := strings.Cut(i.postgresql.Address, ":")
	return environment(map[string]string{"PGHOST": host, "PGPORT": port, "PGUSER": pgserver.Admin.Name, "PGPASSWORD": pgserver.Admin.Password, "PGDATABASE": pgserver.AppDB})
}

// requireNothingLost: each backend has these events, and all backends the same ones.
func requireNothingLost(t *testing.T, stores map[string]map[session.ID]string, events map[session.ID]string) {
	t.Helper()
	for name, stored := range stores {
		for id, event := range events {
			require.Equal(t, event, stored[id], "%s: %s", name, id)
		}
		require.ElementsMatch(t, slices.Collect(maps.Keys(stores["sqlite"])), slices.Collect(maps.Keys(stored)), name)
	}
}
