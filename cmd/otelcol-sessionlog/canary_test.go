package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	engine "github.com/otel-sessionlog/sessionlog/internal/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/internal/testengine/postgresql/server"
	"github.com/otel-sessionlog/sessionlog/receiver/source/postgresql"
)

// secret is a password in the place of a user name.
const secret = "S3cretPw0rd"

// collectorOfSecrets reads every dialect, by files, pushes, OTLP and SQL, and has every place where an event may stay: the table, both dead
// letters, a queue on the disk of a backend that is away, the storage of cursors, the console, the log.
const collectorOfSecrets = `
extensions:
  file_storage: {directory: "$OUT/storage", create_directory: true}
receivers:
$FILES
  sessionlog/http: {http: {endpoint: "$HTTP"}, storage: file_storage, dead_letter: {directory: "$OUT/dead"}, redact: $POLICY}
  sessionlog/pg: {postgresql: {endpoints: ["$PG"], username: audit, password: $PGPASSWORD, database: app, collection_interval: 100ms}, storage: file_storage, dead_letter: {directory: "$OUT/dead"}, redact: $POLICY}
  otlp: {protocols: {http: {endpoint: "$OTLP"}}}
exporters:
  sessionlog: {sqlite: {path: "$OUT/session_log.db"}, dead_letter: {directory: "$OUT/exporter_dead"}, not_events: dead_letter, redact: $POLICY}
  sessionlog/away:
    postgresql: {endpoints: ["127.0.0.1:1"], username: nobody, password: x, database: x}
    sending_queue: {storage: file_storage, wait_for_result: false}
    dead_letter: {directory: "$OUT/exporter_dead_away"}
    redact: $POLICY
  sessionlog_console: {}
  otlp_http: {endpoint: "$REFUSING", sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}
service:
  extensions: [file_storage]
  telemetry: {metrics: {level: none}, logs: {level: debug, output_paths: ["$OUT/collector.log"]}}
  pipelines:
    logs/sources: {receivers: [$NAMES, sessionlog/http, sessionlog/pg], exporters: [sessionlog, sessionlog_console]}
    logs/refused: {receivers: [$NAMES], exporters: [otlp_http]}
    logs/otlp: {receivers: [otlp], exporters: [sessionlog]}
    logs/away: {receivers: [otlp], exporters: [sessionlog/away]}
`

// logsOfFailures are texts of each format; what is said by the second name is a failed login.
var logsOfFailures = map[string]struct{ path, name string }{
	"csvlog":                      {"postgreslog/testdata/ids/csvlog", "alice"},
	"jsonlog":                     {"postgreslog/testdata/ids/jsonlog", "alice"},
	"stderr":                      {"postgreslog/testdata/ids/stderr", "alice"},
	"server_audit":                {"mariadblog/testdata/ids/server_audit", "mallory"},
	"sshd":                        {"sshlog/testdata/ids/sshd", "nosuchuser"},
	"connectionlog":               {"redshiftlog/testdata/ids/connectionlog", "someuser"},
	"JSONEachRow":                 {"clickhouselog/export/testdata/ids/JSONEachRow", "alice"},
	"JSONCompactEachRowWithNames": {"clickhouselog/export/testdata/ids/JSONCompactEachRowWithNames", "alice"},
	"CSVWithNames":                {"clickhouselog/export/testdata/ids/CSVWithNames", "alice"},
	"TSVWithNames":                {"clickhouselog/export/testdata/ids/TSVWithNames", "alice"},
}

// TestNoNameAnywhere: in all policies, whichever way it came, in no file that this program writes and in nothing that it prints.
func TestNoNameAnywhere(t *testing.T) {
	pg := engine.Start(t, engine.HBA("host all all 127.0.0.1/32 scram-sha-256"))
	pg.ExecIn(t, server.AppDB, postgresql.InstallSQL)
	pg.Exec(t, "GRANT sessionlog_logs TO "+server.Audit.Name)
	psql(t, pg.Address, secret)
	const key = "0123456789abcdef"
	for _, c := range []struct{ name, policy string }{
		{"evidence", `{preset: evidence, key: ` + key + `}`},
		{"drop", `{users: drop}`},
		{"gdpr", `{preset: gdpr, key: ` + key + `}`},
		{"all hashed", `{users: hash, on: all, addresses: hash, key: ` + key + `}`},
		{"all dropped", `{users: drop, on: all, addresses: drop, key: ` + key + `}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := runWithSecrets(t, c.policy, pg)
			everyone := strings.Contains(c.policy, "all") || strings.Contains(c.policy, "gdpr")
			requireNowhere(t, out, secret)
			if everyone {
				requireNowhere(t, out, "alice")
				requireNowhere(t, out, "sshtest")
				requireNowhere(t, out, "203.0.113.42")
			}
			table, err := os.ReadFile(filepath.Join(out, "session_log.db")) //nolint:gosec // the test's own
			require.NoError(t, err)
			require.Contains(t, string(table), "[redacted]", "the text around the name stays")
		})
	}
}

// psql tries a name that is a password: libpq names the database after it.
func psql(t *testing.T, address, user string) {
	t.Helper()
	host, port, _ := strings.Cut(address, ":")
	cmd := exec.Command("psql", "-X", "-h", host, "-p", port, "-U", user, "-c", "SELECT 1") //nolint:gosec // the test's own
	cmd.Env = append(os.Environ(), "PGPASSWORD=x")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "password authentication failed", "psql must be installed (postgresql-client)")
}

// runWithSecrets runs a collector until it has told everything, and returns the folder of all that it wrote.
func runWithSecrets(t *testing.T, policy string, pg *engine.Server) string {
	t.Helper()
	in, out := t.TempDir(), t.TempDir()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
	t.Cleanup(refusing.Close)
	var files, names []string
	for format, log := range logsOfFailures {
		text, err := os.ReadFile(filepath.Join("../../internal/dialect", log.path)) //nolint:gosec // a test's input
		require.NoError(t, err)
		name := filepath.Join(in, format)
		require.NoError(t, os.WriteFile(name, []byte(withSecret(string(text), log.name)), 0o600))
		names = append(names, "sessionlog/"+format)
		files = append(files, fmt.Sprintf(`  sessionlog/%s: {file: {include: ["%s"], format: %s, timezone: UTC, log_line_prefix: %q, undecided_after: 100ms}, storage: file_storage, dead_letter: {directory: "%s/dead"}, redact: %s}`,
			format, name, format, map[string]string{"stderr": "%m [%p] %q%u@%d %h %a "}[format], out, policy))
	}
	httpAddress, otlp := freeAddress(t), freeAddress(t)
	stdout := os.Stdout
	console, err := os.Create(filepath.Join(out, "console")) //nolint:gosec // the test's own
	require.NoError(t, err)
	os.Stdout = console
	defer func() { os.Stdout = stdout }()
	stop := startCollector(t, strings.NewReplacer("$OUT", out, "$FILES", strings.Join(files, "\n"), "$NAMES", strings.Join(names, ", "), "$HTTP", httpAddress,
		"$PGPASSWORD", server.Audit.Password, "$PG", pg.Address, "$OTLP", otlp, "$REFUSING", refusing.URL, "$POLICY", policy).Replace(collectorOfSecrets))

	pushSecrets(t, httpAddress)
	sendSecrets(t, otlp)
	require.Eventually(t, func() bool { return failures(t, filepath.Join(out, "console")) >= len(logsOfFailures)+len(pushed)+1 }, time.Minute, 50*time.Millisecond,
		"each format, each dialect and psql's attempt are on the console")
	time.Sleep(300 * time.Millisecond) // cursors are saved, the refused are in the dead letter
	psql(t, pg.Address, secret)
	stop()
	require.NoError(t, console.Close())
	return out
}

// withSecret puts the secret in the place of a name, and of its database, in the lines of failures alone.
func withSecret(text, name string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		for _, mark := range []string{"[6761]", ",6761,", `"pid":6761`, "FAILED_CONNECT", "nosuchuser", "authentication failure |", "LoginFailure"} {
			if strings.Contains(line, mark) {
				line = strings.NewReplacer(name, secret, "@app ", "@"+secret+" ", `"app"`, `"`+secret+`"`).Replace(line)
				break
			}
		}
		b.WriteString(line)
	}
	return b.String()
}

// pushed are the dialects, each with the name of its sample's failure.
var pushed = map[string]string{
	"keycloak": "mallory", "okta": "jane@example.com", "auth0": "alice@example.com", "ocsf": "bob", "ecs": "bob", "github": "octocat", "gitlab": "victim@example.com",
}

func pushSecrets(t *testing.T, address string) {
	t.Helper()
	for dialect, name := range pushed {
		sample, err := os.ReadFile("../../internal/dialect/push/testdata/" + dialect + ".json") //nolint:gosec // a test's input
		require.NoError(t, err)
		var items []json.RawMessage
		if json.Unmarshal(sample, &items) != nil {
			items = []json.RawMessage{sample}
		}
		for i, item := range items {
			if strings.Contains(strings.ToLower(string(item)), "fail") || strings.Contains(string(item), "error\": \"") || strings.Contains(string(item), `"type": "fp"`) {
				items[i] = json.RawMessage(strings.ReplaceAll(string(item), name, secret))
			}
		}
		body, err := json.Marshal(items)
		require.NoError(t, err)
		status, answer := post(t, "http://"+address+"/v1/events/"+dialect, string(body))
		require.NotContains(t, answer, secret)
		require.Less(t, status, 300, "%s: %s", dialect, answer)
	}
	status, answer := post(t, "http://"+address+"/v1/events", `[{"event_name":"sessionlog.login","timestamp":"2026-11-22T00:06:41Z","sessionlog.outcome":"failure","user.name":"`+secret+
		`","db.namespace":"`+secret+`","session.id":"for-`+secret+`"},{"event_name":"`+secret+`","timestamp":1},{"event_name":"sessionlog.login","timestamp":"`+secret+`"}]`)
	require.NotContains(t, answer, secret, "%d", status)
}

func sendSecrets(t *testing.T, address string) {
	t.Helper()
	attr := func(key, value string) string {
		return fmt.Sprintf(`{"key":%q,"value":{"stringValue":%q}}`, key, value)
	}
	record := func(name, body string, attrs ...string) string {
		return fmt.Sprintf(`{"eventName":%q,"timeUnixNano":"1795000000000000000","body":{"stringValue":%q},"attributes":[%s]}`, name, body, strings.Join(attrs, ","))
	}
	records := []string{
		record("sessionlog.login", "login of "+secret, attr("user.name", secret), attr("sessionlog.outcome", "failure"), attr("db.namespace", secret), attr("app."+secret, "7"),
			attr("url.full", "https://x/?user="+secret), attr("log.record.uid", "try-"+secret), attr("client.address", "203.0.113.42")),
		record("sessionlog.login", "", attr("user.id", secret), attr("session.id", secret), attr("sessionlog.outcome", "no word of ours")),
		record("user.login.failure", secret+" failed", attr("user.name", secret), attr("user.email", secret+"@example.com")),
		record("shop.order", "of "+secret, attr("user.name", secret)),
		record("sessionlog.logn", "", attr("user.name", secret)),
	}
	status, answer := post(t, "http://"+address+"/v1/logs", `{"resourceLogs":[{"resource":{"attributes":[`+attr("host.name", "web-1")+`]},"scopeLogs":[{"logRecords":[`+strings.Join(records, ",")+`]}]}]}`)
	require.NotContains(t, answer, secret, "%d", status)
}

func failures(t *testing.T, console string) int {
	t.Helper()
	text, err := os.ReadFile(console) //nolint:gosec // the test's own
	require.NoError(t, err)
	return strings.Count(string(text), "failure") + strings.Count(string(text), "failed")
}

// requireNowhere searches every file, in upper and lower case.
func requireNowhere(t *testing.T, dir, text string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path) //nolint:gosec // the test's own
		if err != nil {
			return err
		}
		lower := strings.ToLower(string(content))
		if at := strings.Index(lower, strings.ToLower(text)); at >= 0 {
			t.Errorf("%s holds %q: %q", path, text, lower[max(0, at-120):min(len(lower), at+80)])
		}
		return nil
	}))
}
