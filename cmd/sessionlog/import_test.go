package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/receiver"

	"github.com/otel-sessionlog/sessionlog/exporter/sessionlogexporter"
	"github.com/otel-sessionlog/sessionlog/receiver/sessionlogreceiver"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// runAsCommand makes this test's program the command itself, so that it can be killed.
const runAsCommand = "SESSIONLOG_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(runAsCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

// importRig is a folder with a configuration and a database.
type importRig struct{ folder, config, database string }

func newImportRig(t *testing.T, receiverBlock string) importRig {
	t.Helper()
	folder := t.TempDir()
	r := importRig{folder, filepath.Join(folder, "collector.yaml"), filepath.Join(folder, "session_log.db")}
	writeFile(t, r.config, `
receivers:
  sessionlog/warehouse:
`+receiverBlock+`
exporters:
  sessionlog:
    sqlite: {path: `+r.database+`}
    dead_letter: {directory: `+folder+`/dead_letter}
`)
	return r
}

const exportsBlock = `
    file: {include: [/nowhere/*.jsonl], timezone: UTC}
    instance: warehouse`

func (r importRig) args(more ...string) []string {
	return append([]string{"import", "--config", r.config, "--receiver", "sessionlog/warehouse", "--output", "json"}, more...)
}

func (r importRig) imported(t *testing.T, more ...string) map[string]any {
	t.Helper()
	a := run(t, r.args(more...)...)
	require.Equal(t, 0, a.status, a.errors)
	var o map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.out), &o))
	return o
}

func (r importRig) events(t *testing.T) (all []session.Event) {
	t.Helper()
	store, err := (&storeTarget{sqlite: r.database}).openStore(t.Context(), os.Getenv)
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	for e, err := range store.Events(t.Context(), store.Table(), " ORDER BY time, record_id") {
		require.NoError(t, err)
		all = append(all, session.Event{})
		e.CopyTo(&all[len(all)-1])
	}
	return all
}

// writeRows writes rows of an export of ClickHouse's session_log, each with an id of its own.
func writeRows(t *testing.T, to io.Writer, from, until int) {
	t.Helper()
	w := bufio.NewWriter(to)
	for n := from; n < until; n++ {
		at := time.Date(2026, 1, 1, 0, 0, 0, n%1000*1000, time.UTC).Add(time.Duration(n) * 100 * time.Millisecond)
		kind := []string{"LoginSuccess", "LoginFailure", "Logout"}[n%3]
		fmt.Fprintf(w, `{"hostname":"ch-1","type":%q,"auth_id":"00000000-0000-4000-8000-%012x","event_date":"%s","event_time":"%s","event_time_microseconds":"%s","user":"user%d",`+
			`"auth_type":"SHA256_PASSWORD","client_address":"::ffff:10.0.%d.%d","client_port":%d,"interface":"TCP","client_name":"ClickHouse client"}`+"\n",
			kind, n, at.Format(time.DateOnly), at.Format(time.DateTime), at.Format("2006-01-02 15:04:05.000000"), n%500, n/256%256, n%256, 1024+n%60000)
	}
	require.NoError(t, w.Flush())
}

func writeRowFile(t *testing.T, path string, from, until int) string {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	if !strings.HasSuffix(path, ".gz") {
		writeRows(t, f, from, until)
		return path
	}
	z := gzip.NewWriter(f)
	writeRows(t, z, from, until)
	require.NoError(t, z.Close())
	return path
}

// runReceiver is the receiver of the rig's configuration, into its exporter, until it has as many rows as wanted.
func (r importRig) runReceiver(t *testing.T, rows int, until func() bool) {
	t.Helper()
	config, err := readCollectorConfig(t.Context(), []string{r.config})
	require.NoError(t, err)
	in, err := config.receiverConfig("sessionlog/warehouse")
	require.NoError(t, err)
	out, err := config.exporterConfig("sessionlog")
	require.NoError(t, err)
	telemetry := componenttest.NewNopTelemetrySettings()
	exported, err := sessionlogexporter.NewFactory().CreateLogs(t.Context(), exporter.Settings{ID: component.NewID(exporterType), TelemetrySettings: telemetry}, out)
	require.NoError(t, err)
	received, err := sessionlogreceiver.NewFactory().CreateLogs(t.Context(), receiver.Settings{ID: component.NewID(receiverType), TelemetrySettings: telemetry}, in, exported)
	require.NoError(t, err)
	require.NoError(t, exported.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, received.Start(t.Context(), componenttest.NewNopHost()))
	require.Eventually(t, func() bool { return (until == nil || until()) && len(r.events(t)) >= rows }, 60*time.Second, 20*time.Millisecond)
	require.NoError(t, received.Shutdown(context.Background()))
	require.NoError(t, exported.Shutdown(context.Background()))
}

// TestImportGivesWhatTheReceiverGives: the same ids and the same content, of several dialects, with redaction; what one has written the other
// finds there.
func TestImportGivesWhatTheReceiverGives(t *testing.T) {
	dialects := "../../internal/dialect/"
	for name, c := range map[string]struct{ file, block string }{
		"JSONEachRow": {dialects + "clickhouselog/export/testdata/session_log.jsonl", "timezone: UTC"},
		"jsonlog":     {dialects + "postgreslog/testdata/18/log.jsonl", "timezone: UTC"},
		"redacted":    {dialects + "postgreslog/testdata/18/log.csv", "timezone: UTC}\n    redact: {preset: gdpr, key: 0123456789abcdef0123456789abcdef"},
		"sshd":        {dialects + "sshlog/testdata/", "timezone: Europe/Berlin"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.HasSuffix(c.file, "/") {
				logs, err := filepath.Glob(c.file + "*.log")
				require.NoError(t, err)
				if len(logs) == 0 {
					logs, err = filepath.Glob(c.file + "*/*.log")
					require.NoError(t, err)
				}
				require.NotEmpty(t, logs)
				c.file = logs[0]
			}
			path, err := filepath.Abs(c.file)
			require.NoError(t, err)
			block := "\n    instance: warehouse\n    file: {include: [" + path + "], follow: false, " + c.block + "}"
			imported := newImportRig(t, block)
			summary := imported.imported(t, path)
			rows := imported.events(t)
			require.NotEmpty(t, rows)
			require.EqualValues(t, len(rows), summary["written"])

			read := newImportRig(t, block)
			read.runReceiver(t, len(rows), nil)
			same := read.events(t)
			require.Len(t, same, len(rows))
			for i := range rows {
				require.Equal(t, rows[i].RecordID, same[i].RecordID)
				require.True(t, sessiontest.SameContent(&rows[i], &same[i]), "%+v\n%+v", rows[i], same[i])
			}
			again := read.imported(t, path)
			require.EqualValues(t, 0, again["written"])
			require.EqualValues(t, len(rows), again["duplicates"])
			require.Nil(t, again["conflicts"])
		})
	}
}

// TestImportBesideACollector on one file of SQLite: both write, and each row is there once.
func TestImportBesideACollector(t *testing.T) {
	const rows = 5_000
	r := newImportRig(t, "")
	live := writeRowFile(t, filepath.Join(r.folder, "live.jsonl"), 0, rows)
	old := writeRowFile(t, filepath.Join(r.folder, "old.jsonl"), rows/2, 2*rows)
	r = newImportRig(t, "\n    instance: warehouse\n    file: {include: ["+live+"], timezone: UTC}")
	imported := make(chan asked, 1)
	go func() { imported <- caller{}.runContext(context.Background(), r.args(old)...) }()
	var a asked
	r.runReceiver(t, 2*rows, func() bool {
		select {
		case a = <-imported:
			return true
		default:
			return a.out != ""
		}
	})
	require.Equal(t, 0, a.status, a.errors)
	require.Len(t, r.events(t), 2*rows)
	require.Contains(t, a.out, `"conflicts":null`)
}

// TestWhatIsRefusedIsTold with its reasons; what cannot be read at all makes the import incomplete.
func TestWhatIsRefusedIsTold(t *testing.T) {
	r := newImportRig(t, exportsBlock)
	path := writeRowFile(t, filepath.Join(r.folder, "a.jsonl"), 0, 10)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"type":"LoginFailure","user":"hunter2"` + "\n" + `{"type":"LoginFailure","user":"hunter2"` + "\n")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	summary := r.imported(t, path)
	require.EqualValues(t, 10, summary["written"])
	refused := summary["refused"].([]any)
	require.Len(t, refused, 1)
	first := refused[0].(map[string]any)
	require.EqualValues(t, 2, first["count"])
	require.Contains(t, first["first"], "a.jsonl")

	people := run(t, "import", "--config", r.config, "--receiver", "sessionlog/warehouse", path)
	require.Equal(t, 0, people.status)
	require.Contains(t, people.out, "There before     10")
	require.Contains(t, people.out, "row not read")
	require.NotContains(t, people.out+people.errors, "hunter2")

	foreign := writeFile(t, filepath.Join(r.folder, "foreign.txt"), strings.Repeat("nothing of ours\n", 100))
	incomplete := run(t, r.args(foreign, path)...)
	require.Equal(t, statusError, incomplete.status)
	require.Contains(t, incomplete.errors, "not everything was imported")
	require.Contains(t, incomplete.errors, "known formats")
}

func TestMistakesOfImport(t *testing.T) {
	r := newImportRig(t, exportsBlock)
	path := writeRowFile(t, filepath.Join(r.folder, "a.jsonl"), 0, 10)
	state := filepath.Join(r.folder, "import.state")
	r.imported(t, "--state", state, path)
	next := writeRowFile(t, filepath.Join(r.folder, "b.jsonl"), 10, 20)
	r.imported(t, "--state", state, path, next)
	foreign := writeRowFile(t, filepath.Join(r.folder, "c.jsonl"), 20, 30)
	other := newImportRig(t, strings.ReplaceAll(exportsBlock, "instance: warehouse", "instance: other"))
	open, err := bbolt.Open(filepath.Join(r.folder, "open.state"), 0o600, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, open.Close()) }()
	nameless := newImportRig(t, "\n    http: {endpoint: 127.0.0.1:0}")
	for _, c := range []struct {
		args   []string
		status int
		text   string
	}{
		{other.args("--state", state, path), statusUsage, `instance "warehouse"`},
		{r.args("--state", state, foreign), statusUsage, "--state " + state + ": it is of an import of " + path + " (and 1 more) of"},
		{r.args("--state", state, foreign), statusUsage, "not of " + foreign + " of"},
		{r.args("--state", path, path), statusError, "no state of an import"},
		{r.args("--state", filepath.Join(r.folder, "open.state"), path), statusError, "another import"},
		{r.args(), statusUsage, "name the files"},
		{r.args(filepath.Join(r.folder, "none.jsonl")), statusError, "none.jsonl"},
		{r.args("--output", "csv", path), statusUsage, "table, json"},
		{[]string{"import", path}, statusUsage, "--config"},
		{[]string{"import", "--config", r.config, "--receiver", "sessionlog/x", path}, statusUsage, "sessionlog/warehouse"},
		{nameless.args(path), statusError, "receivers::sessionlog/warehouse::instance"},
	} {
		a := run(t, c.args...)
		require.Equal(t, c.status, a.status, "%v: %s", c.args, a.errors)
		require.Contains(t, a.errors, c.text, "%v", c.args)
	}
}
