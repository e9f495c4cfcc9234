package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/sdk/spool"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/deadletter"
	"github.com/otel-sessionlog/sessionlog/session/deadletter/deadlettertest"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
	"github.com/otel-sessionlog/sessionlog/testengine/logins"
	pgserver "github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

const (
	releases   = "testdata/releases"
	envRelease = "SESSIONLOG_FIXTURE" // a version: TestMakeRelease writes its fixture
)

// Files of a fixture, beside collector.yaml and the state's own.
const (
	fixtureEvents     = "events.jsonl"
	fixtureServerLog  = "postgresql.json"
	fixtureDump       = "postgresql.sql"
	fixtureClickHouse = "clickhouse"
)

// TestMakeRelease is make fixture: what a killed collector of this program leaves behind.
func TestMakeRelease(t *testing.T) {
	version := os.Getenv(envRelease)
	if version == "" {
		return // nothing is asked for
	}
	config := filepath.Join(releases, "collector.yaml")
	i := newInstallation(t, config)
	i.sshd(t, sshdSession("anna", 1, true, true), sshdSession("bert", 2, true, true), sshdSession("open", 3, true, false))
	i.clickhouseLogins(t)
	_, err := i.postgresql.Logins(t).Mix(t.Context(), 8, 7, 2)
	require.NoError(t, err)
	i.postgresql.ExecIn(t, pgserver.AppDB, "CREATE SCHEMA "+logsDatabase)
	i.start(t)
	waitFor(t, i.grpc)
	i.pushConflict(t)
	i.awaitQuiet(t)
	i.kill(t)

	fixture := t.TempDir()
	require.NoError(t, os.Remove(i.path("collector.yaml"))) // newCollector's
	require.NoError(t, os.CopyFS(fixture, os.DirFS(i.dir)))
	require.NoError(t, os.WriteFile(filepath.Join(fixture, fixtureServerLog), i.postgresql.ReadLog(t, pgserver.JSONLog), 0o600))
	leaveSpool(t, filepath.Join(fixture, "spool"))
	leaveDeadLetter(t, filepath.Join(fixture, "dead_letter"))
	i.writeEvents(t, filepath.Join(fixture, fixtureEvents))
	runCommand(t, i.postgresqlTools(), "pg_dump", "--schema", logsDatabase, "--file", filepath.Join(fixture, fixtureDump))
	i.clickhouse.Exec(t, "BACKUP DATABASE source, DATABASE "+logsDatabase+" TO File('"+i.backups+"/"+fixtureClickHouse+"')")
	require.NoError(t, os.CopyFS(filepath.Join(fixture, fixtureClickHouse), os.DirFS(filepath.Join(i.backups, fixtureClickHouse))))
	text, err := os.ReadFile(config)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(fixture, "collector.yaml"), text, 0o600))
	runCommand(t, nil, "tar", "-C", fixture, "--owner=0", "--group=0", "-czf", filepath.Join(releases, version+".tar.gz"), ".")
}

// clickhouseLogins are in a table of their own, for a fixture cannot bring back what a server logs itself.
func (i *installation) clickhouseLogins(t *testing.T) {
	t.Helper()
	client := logins.New(i.clickhouse.Native, i.clickhouse.HTTP)
	defer client.Close()
	_, err := client.Run(t.Context(), logins.Plan(12, 7), 4)
	require.NoError(t, err)
	i.clickhouse.FlushLogs(t)
	i.clickhouse.Exec(t, "CREATE DATABASE source")
	i.clickhouse.Exec(t, "CREATE TABLE source.session_log ENGINE = MergeTree ORDER BY event_time_microseconds AS SELECT * FROM system.session_log WHERE user <> 'testengine'")
}

// pushConflict sends one record, and then another with its id.
func (i *installation) pushConflict(t *testing.T) {
	t.Helper()
	for _, user := range []string{"pushed", "forger"} {
		i.post(t, plogs.NewEncoder("test").Encode([]session.Event{{
			Kind: session.KindLogin, Outcome: session.OutcomeSuccess, System: "app", Instance: "shop", User: user, Time: time.Now().UnixNano(), RecordID: session.ID{1: 1, 15: 7},
		}}))
	}
}

func (i *installation) awaitQuiet(t *testing.T) {
	t.Helper()
	before, since := 0, time.Now()
	require.Eventually(t, func() bool {
		if now := countRows(t, i.database(), "session_events"); now != before {
			before, since = now, time.Now()
		}
		return before > 0 && time.Since(since) > 3*time.Second
	}, arrival, quick)
}

func (i *installation) writeEvents(t *testing.T, file string) {
	t.Helper()
	stores := i.stores(t)
	requireNothingLost(t, stores, stores["sqlite"])
	var text strings.Builder
	for _, event := range stores["sqlite"] {
		text.WriteString(event + "\n")
	}
	require.NoError(t, os.WriteFile(file, []byte(text.String()), 0o600))
}

// leaveSpool grants logins, and ends before a collector is there.
func leaveSpool(t *testing.T, folder string) {
	t.Helper()
	processor := newSpool(t, folder, freeAddress(t))
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(processor))
	logger := sessionlog.NewLogger(provider)
	for n := range 3 {
		require.NoError(t, logger.Login(t.Context(), sessionlog.User(fmt.Sprintf("spooled-%d", n)), sessionlog.DurableWithin(arrival)))
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, provider.Shutdown(ended), "they are not delivered")
}

func newSpool(t *testing.T, folder, address string) *spool.Processor {
	t.Helper()
	exporter, err := otlploggrpc.New(t.Context(), otlploggrpc.WithEndpoint(address), otlploggrpc.WithInsecure(), otlploggrpc.WithRetry(otlploggrpc.RetryConfig{Enabled: false}))
	require.NoError(t, err)
	processor, err := spool.NewProcessor(folder, exporter)
	require.NoError(t, err)
	return processor
}

func leaveDeadLetter(t *testing.T, folder string) {
	t.Helper()
	letter, err := deadletter.Open(folder, "receiver/sessionlog/file")
	require.NoError(t, err)
	refused := plogs.NewEncoder("test").Encode([]session.Event{{
		Kind: session.KindLogin, Outcome: session.OutcomeFailure, System: "sshd", Instance: "host-1", User: "refused", Time: time.Now().UnixNano(), RecordID: session.ID{1: 1, 15: 8},
	}})
	require.NoError(t, letter.Write(t.Context(), refused, errors.New("the pipeline refused it")))
	require.NoError(t, letter.Close())
}

// TestEachReleaseIsUpgraded: today's program on what each release left behind. What was stored is there as it was, cursors go on where they
// were, the spool is delivered, and what was refused can be sent again. The newest is then rolled back to, backed up and restored.
func TestEachReleaseIsUpgraded(t *testing.T) {
	fixtures, err := filepath.Glob(filepath.Join(releases, "*.tar.gz"))
	require.NoError(t, err)
	require.NotEmpty(t, fixtures)
	for n, fixture := range fixtures {
		t.Run(strings.TrimSuffix(filepath.Base(fixture), ".tar.gz"), func(t *testing.T) {
			t.Parallel()
			i := newInstallation(t, "")
			runCommand(t, nil, "tar", "-C", i.dir, "-xzf", fixture)
			i.config = i.path("collector.yaml")
			i.restoreServers(t)
			i.requireUpgraded(t)
			if n == len(fixtures)-1 {
				i.requireRestored(t)
				i.requireRolledBack(t)
			}
		})
	}
}

func (i *installation) requireUpgraded(t *testing.T) {
	t.Helper()
	before := readEvents(t, i.path(fixtureEvents))
	fresh := i.alsoInto(t, "fresh")
	i.sshd(t, sshdSession("open", 3, false, true), sshdSession("newcomer", 4, true, true))
	i.latecomer(t, "latecomer")
	i.start(t)
	waitFor(t, i.grpc)
	waitFor(t, i.http)
	shutDown(t, sdklog.NewLoggerProvider(sdklog.WithProcessor(newSpool(t, i.path("spool"), i.grpc))))
	for entry, err := range deadlettertest.Read(i.path("dead_letter")) {
		require.NoError(t, err)
		i.post(t, entry.Record)
	}
	awaitUsers(t, fresh, "open", "newcomer", "latecomer", "spooled-0", "spooled-1", "spooled-2", "refused")
	require.Eventually(t, func() bool { return countRows(t, fresh, "session_log WHERE instance = 'orders'") > 0 }, arrival, quick)
	i.stop(t)
	i.overlay = ""

	stores := i.stores(t)
	requireNothingLost(t, stores, before)
	cfg := sqlite.DefaultConfig()
	cfg.Path = fresh
	added := eventsByID(t, backendtest.StoredEvents(t.Context(), sqlite.OpenQueryStore, cfg, "arrival"))
	for id := range added {
		require.NotContains(t, before, id, "its cursor is behind it")
	}
	require.Len(t, stores["sqlite"], len(before)+len(added))
	require.Equal(t, [][]string{{"closed"}}, query(t, i.database(), "SELECT state FROM sessions WHERE user_name = 'open'"), "what the parser remembered")
	require.Equal(t, 1, countRows(t, i.database(), "session_conflicts"))
}

// requireRolledBack: a program that is older than the tables says so, and writes nothing.
func (i *installation) requireRolledBack(t *testing.T) {
	t.Helper()
	before := i.stores(t)
	runCommand(t, nil, "sqlite3", i.database(), "INSERT INTO sessionlog_migrations VALUES (99, 'newer', '')")
	i.postgresql.ExecIn(t, pgserver.AppDB, "INSERT INTO "+logsDatabase+".sessionlog_migrations VALUES (99, 'newer', now())")
	i.clickhouse.Exec(t, "INSERT INTO "+logsDatabase+".sessionlog_migrations VALUES (99, 'newer', now())")
	i.sshd(t, sshdSession("too new", 5, true, true))
	i.start(t)
	require.Error(t, <-i.ended, "the first exporter that starts ends it")
	i.cmd = nil
	require.Contains(t, i.log.String(), "this program knows")
	require.Contains(t, i.log.String(), "schema of a newer program")
	require.Equal(t, before, i.stores(t))
}

// restoreServers brings back what the fixture's collector has read and written there.
func (i *installation) restoreServers(t *testing.T) {
	t.Helper()
	require.NoError(t, os.CopyFS(filepath.Join(i.backups, fixtureClickHouse), os.DirFS(i.path(fixtureClickHouse))))
	i.clickhouse.Exec(t, "RESTORE ALL FROM File('"+i.backups+"/"+fixtureClickHouse+"')")
	runCommand(t, i.postgresqlTools(), "psql", "-X", "-v", "ON_ERROR_STOP=1", "--quiet", "--file", i.path(fixtureDump))
	log, err := os.ReadFile(i.path(fixtureServerLog))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(i.postgresql.LogDir(), "postgresql-2026-01-01_000000.json"), log, 0o644)) //nolint:gosec // root's PostgreSQL runs as somebody else
}

// readEvents are those of the release, as this program writes them: a field that came later is empty.
func readEvents(t *testing.T, file string) map[session.ID]string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	all := map[session.ID]string{}
	for lines := json.NewDecoder(bytes.NewReader(text)); lines.More(); {
		var e session.Event
		require.NoError(t, lines.Decode(&e))
		all[e.RecordID] = eventText(t, &e)
	}
	return all
}

// alsoInto gives the collector one more SQLite, which was empty when it started.
func (i *installation) alsoInto(t *testing.T, name string) (file string) {
	t.Helper()
	i.overlay = i.path("overlay.yaml")
	require.NoError(t, os.WriteFile(i.overlay, []byte(fmt.Sprintf(`
exporters:
  sessionlog/%[1]s: {sqlite: {path: '${env:STATE_DIRECTORY}/%[1]s.db'}, dead_letter: {directory: '${env:STATE_DIRECTORY}/dead_letter'}}
service: {pipelines: {logs: {exporters: [sessionlog/sqlite, sessionlog/postgresql, sessionlog/clickhouse, sessionlog/%[1]s]}}}
`, name)), 0o600))
	return i.path(name + ".db")
}
