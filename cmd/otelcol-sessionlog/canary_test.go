package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/cloudwatch"
	"github.com/otel-sessionlog/sessionlog/testengine/logins"
	engine "github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
	"github.com/otel-sessionlog/sessionlog/testengine/s3"
	clickhouse "github.com/otel-sessionlog/sessionlog/testengine/server"
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
  sessionlog/pg: {instance: pg, postgresql: {endpoints: ["$PG"], username: audit, password: $PGPASSWORD, database: app, collection_interval: 200ms}, storage: file_storage, dead_letter: {directory: "$OUT/dead"}, redact: $POLICY}
  sessionlog/ch: {instance: ch, clickhouse: {endpoints: ["clickhouse://$CH"], username: audit, password: $CHPASSWORD, collection_interval: 200ms}, storage: file_storage, dead_letter: {directory: "$OUT/dead"}, redact: $POLICY}
  sessionlog/rs_sys: {instance: rs_sys, redshift: {endpoints: ["$RS"], username: collector, password: $RSPASSWORD, database: dev, collection_interval: 200ms}, storage: file_storage, dead_letter: {directory: "$OUT/dead"}, redact: $POLICY}
  sessionlog/rs_stl: {instance: rs_stl, redshift: {endpoints: ["$RS"], username: collector, password: $RSPASSWORD, database: dev, table: stl_connection_log, collection_interval: 200ms}, storage: file_storage, dead_letter: {directory: "$OUT/dead"}, redact: $POLICY}
  sessionlog/journal: {instance: journal, journald: {directory: "$JOURNAL", poll_interval: 500ms}, storage: file_storage, dead_letter: {directory: "$OUT/dead"}, redact: $POLICY}
  sessionlog/cw: {instance: cw, cloudwatch: {region: eu-central-1, endpoint: "$CW", log_groups: [secrets], collection_interval: 200ms}, storage: file_storage, dead_letter: {directory: "$OUT/dead"}, redact: $POLICY}
  sessionlog/s3: {instance: s3, s3: {region: eu-central-1, endpoint: "$S3", path_style: true, bucket: secrets, collection_interval: 200ms}, storage: file_storage, dead_letter: {directory: "$OUT/dead"}, redact: $POLICY}
  otlp: {protocols: {http: {endpoint: "$OTLP"}}}
exporters:
  sessionlog: {sqlite: {path: "$OUT/session_log.db"}, dead_letter: {directory: "$OUT/exporter_dead"}, not_events: dead_letter, redact: $POLICY}
  sessionlog/away:
    postgresql: {endpoints: ["127.0.0.1:1"], username: nobody, password: x, database: x}
    sending_queue: {storage: file_storage, wait_for_result: false}
    dead_letter: {directory: "$OUT/exporter_dead_away"}
    redact: $POLICY
  sessionlog_console: {redact: $POLICY}
  otlp_http: {endpoint: "$REFUSING", sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}
service:
  extensions: [file_storage]
  telemetry: {metrics: {level: detailed, readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: $METRICS}}}}]}, logs: {level: debug, output_paths: ["$OUT/collector.log"]}}
  pipelines:
    logs/sources: {receivers: [$NAMES, $SERVERS, sessionlog/http], exporters: [sessionlog, sessionlog_console]}
    logs/refused: {receivers: [$NAMES, $SERVERS], exporters: [otlp_http]}
    logs/otlp: {receivers: [otlp], exporters: [sessionlog, sessionlog_console]}
    logs/away: {receivers: [otlp], exporters: [sessionlog/away]}
`

// logsOfFailures are texts of each format; what is said by the second name is a failed login.
var logsOfFailures = map[string]struct{ path, name string }{
	"csvlog":                      {"postgreslog/testdata/ids/csvlog", "alice"},
	"jsonlog":                     {"postgreslog/testdata/ids/jsonlog", "alice"},
	"stderr":                      {"postgreslog/testdata/ids/stderr", "alice"},
	"server_audit":                {"mariadblog/testdata/ids/server_audit", "mallory"},
	"mongodb":                     {"mongodblog/testdata/ids/mongodb", "app-ssm"},
	"sshd":                        {"sshlog/testdata/ids/sshd", "nosuchuser"},
	"connectionlog":               {"redshiftlog/testdata/ids/connectionlog", "someuser"},
	"JSONEachRow":                 {"clickhouselog/export/testdata/ids/JSONEachRow", "alice"},
	"JSONCompactEachRowWithNames": {"clickhouselog/export/testdata/ids/JSONCompactEachRowWithNames", "alice"},
	"CSVWithNames":                {"clickhouselog/export/testdata/ids/CSVWithNames", "alice"},
	"TSVWithNames":                {"clickhouselog/export/testdata/ids/TSVWithNames", "alice"},
}

// serversOfSecrets are asked over SQL, or by their own program; each has failures of the secret's own before the collector starts.
type serversOfSecrets struct {
	pg      *engine.Server
	ch      *testengine.Server
	rs      *redshift.Server
	cw      *cloudwatch.Server
	s3      *s3.Server
	journal string
}

// instances are the receivers of serversOfSecrets.
var instances = []string{"pg", "ch", "rs_sys", "rs_stl", "journal", "cw", "s3"}

func startServersOfSecrets(t *testing.T) *serversOfSecrets {
	t.Helper()
	s := &serversOfSecrets{
		pg: engine.Start(t, engine.HBA("host all all 127.0.0.1/32 scram-sha-256")), ch: testengine.ClickHouse(t, testengine.LogsOnDemand()), rs: redshift.Start(t), journal: t.TempDir(),
		cw: cloudwatch.Start(t), s3: s3.Start(t),
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "x")
	s.pg.ExecIn(t, server.AppDB, postgresql.InstallSQL)
	s.pg.Exec(t, "GRANT sessionlog_logs TO "+server.Audit.Name)
	s.rs.Exec(t, "GRANT SELECT ON sys_connection_log, stl_connection_log TO "+redshift.Collector.Name)
	s.try(t)
	return s
}

// try has a password typed as the name at each server: once before the collector starts, once while it runs.
func (s *serversOfSecrets) try(t *testing.T) {
	t.Helper()
	psql(t, s.pg.Address, secret)
	s.tryClickHouse(t)
	s.tryRedshift(t)
	s.tryJournal(t)
	s.tryClouds(t)
}

// tryClouds has the audit log of Redshift come by CloudWatch and by S3, and with it what is no log, and a record that is cut.
func (s *serversOfSecrets) tryClouds(t *testing.T) {
	t.Helper()
	log := logsOfFailures["connectionlog"]
	text, err := os.ReadFile(filepath.Join("../../internal/dialect", log.path))
	require.NoError(t, err)
	lines := withSecret(string(text), log.name)
	for line := range strings.Lines(lines) {
		s.cw.Put("secrets", "connectionlog", cloudwatch.Event{Time: time.Now(), Message: line})
	}
	s.cw.Put("secrets", "odd", cloudwatch.Event{Time: time.Now(), Message: secret + " is no log of ours"})
	s.s3.Put("secrets", "connectionlog", []byte(lines+"authentication failure |"+secret))
	s.s3.Put("secrets", "odd", []byte(secret+" is no log of ours\n"))
}

func (s *serversOfSecrets) tryClickHouse(t *testing.T) {
	t.Helper()
	client := logins.New(s.ch.Native, s.ch.HTTP)
	defer client.Close()
	for _, a := range []logins.Attempt{
		{Protocol: logins.Native, User: secret, Password: "x", Database: secret, ClientName: "client of " + secret},
		{Protocol: logins.HTTP, User: secret, Password: "x", Database: secret},
		{Protocol: logins.HTTP, User: secret, Password: "x", Headers: true},
	} {
		login, err := client.Login(t.Context(), a)
		require.NoError(t, err)
		require.False(t, login.OK)
	}
	s.ch.FlushLogs(t)
}

// tryRedshift: the stand-in has its log's table, but nobody who writes it.
func (s *serversOfSecrets) tryRedshift(t *testing.T) {
	t.Helper()
	columns := "event, %s, %s, %s, pid, %s, %s, %s, duration, application_name"
	stl := fmt.Sprintf(columns, "recordtime", "remotehost", "remoteport", "dbname", "username", "authmethod")
	sys := strings.Replace(fmt.Sprintf(columns, "record_time", "remote_host", "remote_port", "database_name", "user_name", "auth_method"), "pid", "session_id", 1)
	for table, names := range map[string]string{"stl_connection_log": stl, "sys_connection_log": sys} {
		s.rs.Exec(t, fmt.Sprintf(`INSERT INTO pg_catalog.%s (%s) VALUES
			('authentication failure', localtimestamp, '::ffff:203.0.113.42', '51544', 4711, '%s', '%s', 'password', 0, 'psql -U %s')`, table, names, secret, secret, secret))
	}
}

// tryJournal writes a journal by the program of systemd that does without its daemon.
func (s *serversOfSecrets) tryJournal(t *testing.T) {
	t.Helper()
	const writer = "/lib/systemd/systemd-journal-remote"
	if _, err := os.Stat(writer); err != nil {
		testengine.Missing(t, "systemd-journal-remote", "apt-get install systemd-journal-remote")
	}
	var text strings.Builder
	for i, message := range []string{
		"Invalid user " + secret + " from 203.0.113.42 port 40022",
		"Failed password for invalid user " + secret + " from 203.0.113.42 port 40022 ssh2",
		"Connection closed by invalid user " + secret + " 203.0.113.42 port 40022 [preauth]",
		"Accepted password for " + secret + " from forged 203.0.113.42 port 1 ssh2: nothing of sshd's",
	} {
		micros := time.Now().UnixMicro() + int64(i)
		fmt.Fprintf(&text, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=0123456789abcdef0123456789abcdef\n_PID=814\n_UID=%d\n_COMM=sshd\n_HOSTNAME=h1\nSYSLOG_IDENTIFIER=sshd\nMESSAGE=%s\n\n",
			micros, micros, i/3*1000, message)
	}
	cmd := exec.Command(writer, "--output="+filepath.Join(s.journal, "system.journal"), "-") //nolint:gosec // the test's own
	cmd.Stdin = strings.NewReader(text.String())
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}

// TestNoNameAnywhere: in all policies, whichever way it came, in no file that this program writes and in nothing that it prints.
func TestNoNameAnywhere(t *testing.T) {
	servers := startServersOfSecrets(t)
	const key = "0123456789abcdef"
	for _, c := range []struct{ name, policy string }{
		{"evidence", `{preset: evidence, key: ` + key + `}`},
		{"drop", `{users: drop}`},
		{"gdpr", `{preset: gdpr, key: ` + key + `}`},
		{"all hashed", `{users: hash, on: all, addresses: hash, key: ` + key + `}`},
		{"all dropped", `{users: drop, on: all, addresses: drop, key: ` + key + `}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := runWithSecrets(t, c.policy, servers)
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
			requireKept(t, out)
		})
	}
}

// requireKept: each place that was searched has something.
func requireKept(t *testing.T, out string) {
	t.Helper()
	for _, dir := range []string{"dead", "exporter_dead", "storage"} {
		files, err := filepath.Glob(filepath.Join(out, dir, "*"))
		require.NoError(t, err)
		require.NotEmpty(t, files, dir)
	}
	require.Positive(t, rowsOf(t, out, "SELECT count(*) FROM session_conflicts"), "a forged second version is kept aside")
	metrics, err := os.ReadFile(filepath.Join(out, "metrics")) //nolint:gosec // the test's own
	require.NoError(t, err)
	require.Contains(t, string(metrics), "otelcol_receiver_sessionlog_bad_rows")
}

// rowsOf is a number from the table; 0 while there is none.
func rowsOf(t *testing.T, out, query string, args ...any) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(out, "session_log.db")+"?mode=ro&_pragma=busy_timeout(5000)")
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	if db.QueryRowContext(t.Context(), query, args...).Scan(&n) != nil {
		return 0
	}
	return n
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
func runWithSecrets(t *testing.T, policy string, servers *serversOfSecrets) string {
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
		files = append(files, fmt.Sprintf(`  sessionlog/%[1]s: {instance: %[1]s, file: {include: ["%[2]s"], format: %[3]s, timezone: UTC, log_line_prefix: %[4]q, undecided_after: 100ms}, storage: file_storage, dead_letter: {directory: "%[5]s/dead"}, redact: %[6]s}`,
			format, name, format, map[string]string{"stderr": "%m [%p] %q%u@%d %h %a "}[format], out, policy))
	}
	httpAddress, otlp, metrics := freeAddress(t), freeAddress(t), freeAddress(t)
	_, metricsPort, _ := strings.Cut(metrics, ":")
	stdout := os.Stdout
	console, err := os.Create(filepath.Join(out, "console")) //nolint:gosec // the test's own
	require.NoError(t, err)
	os.Stdout = console
	defer func() { os.Stdout = stdout }()
	stop := startCollector(t, strings.NewReplacer("$OUT", out, "$FILES", strings.Join(files, "\n"), "$NAMES", strings.Join(names, ", "), "$HTTP", httpAddress,
		"$SERVERS", "sessionlog/"+strings.Join(instances, ", sessionlog/"), "$JOURNAL", servers.journal,
		"$PGPASSWORD", server.Audit.Password, "$PG", servers.pg.Address, "$CHPASSWORD", clickhouse.Audit.Password, "$CH", servers.ch.Native,
		"$RSPASSWORD", redshift.Collector.Password, "$RS", "redshift://"+servers.rs.Address, "$CW", servers.cw.URL, "$S3", servers.s3.URL,
		"$METRICS", metricsPort, "$OTLP", otlp, "$REFUSING", refusing.URL, "$POLICY", policy).Replace(collectorOfSecrets))

	pushSecrets(t, httpAddress)
	sendSecrets(t, otlp)
	told := func(instance string) bool { return rowsOf(t, out, failuresOf, instance) > 0 }
	missing := append(slices.Collect(maps.Keys(logsOfFailures)), instances...)
	require.Eventually(t, func() bool { missing = slices.DeleteFunc(missing, told); return len(missing) == 0 }, time.Minute, 100*time.Millisecond, "failures of %v", &missing)
	atFirst := rowsOf(t, out, failuresOf, "ch")
	servers.try(t)
	require.Eventually(t, func() bool { return rowsOf(t, out, failuresOf, "ch") > atFirst }, time.Minute, 100*time.Millisecond)
	time.Sleep(300 * time.Millisecond) // cursors are saved, the refused are in the dead letter
	saveMetrics(t, metrics, filepath.Join(out, "metrics"))
	stop()
	require.NoError(t, console.Close())
	return out
}

const failuresOf = "SELECT count(*) FROM session_events WHERE instance = ? AND outcome = 'failure'"

func saveMetrics(t *testing.T, address, path string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, text, 0o600))
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
	const forged = "018bcfe5-687b-844c-8000-000000000001"
	records := []string{
		record("sessionlog.login", "", attr("user.name", secret), attr("sessionlog.outcome", "failure"), attr("log.record.uid", forged)),
		record("sessionlog.login", "", attr("user.name", secret), attr("sessionlog.outcome", "failure"), attr("log.record.uid", forged), attr("db.namespace", secret+" again")),
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
