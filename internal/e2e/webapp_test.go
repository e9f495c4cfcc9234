package e2e

import (
	"bytes"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	pgserver "github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// TestWebAppExample runs examples/webapp as its README says, with a real ClickHouse and a real PostgreSQL: one click on the login
// page is three logins in three systems and their spans, and all of them bear one trace id.
func TestWebAppExample(t *testing.T) {
	t.Parallel()
	s := testengine.ClickHouse(t, testengine.LogsOnDemand())
	pg := postgresql.Start(t)
	otlp, page, data := freeAddress(t), freeAddress(t), t.TempDir()
	env := environment(map[string]string{
		"OTLP_GRPC": otlp, "SESSIONLOG_DATA": data, "SETTLE": "1s",
		"CLICKHOUSE": s.Native, "CLICKHOUSE_USER": server.Audit.Name, "CLICKHOUSE_PASSWORD": server.Audit.Password,
		"POSTGRES_LOGS": filepath.Join(pg.LogDir(), "*.json"),
		"LISTEN":        page, "SPOOL": filepath.Join(data, "spool"), "OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + otlp,
		"CLICKHOUSE_URL": "http://" + s.HTTP, "POSTGRES_URL": pg.DSN(pgserver.Alice.Name, pgserver.Alice.Password, pgserver.AppDB),
		"OTEL_BSP_SCHEDULE_DELAY": "100",
	})
	col := newCollector(t, "", "")
	col.config, col.dir = filepath.Join(root, "examples/webapp/collector.yaml"), data
	col.env = env
	col.start(t)
	waitFor(t, otlp)
	stop := startWebApp(t, page, env)

	browser := newBrowser(t, "http://"+page)
	defer browser.CloseIdleConnections()
	click := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	require.Equal(t, http.StatusForbidden, browser.post(t, "/login", nil, server.Alice.Name, "wrong"))
	require.Equal(t, http.StatusOK, browser.post(t, "/login", click, server.Alice.Name, server.Alice.Password))
	require.Equal(t, http.StatusOK, browser.post(t, "/logout", nil, "", ""))
	stop()
	s.WaitQuery(t, "SELECT count() FROM system.session_log WHERE type = 'Logout' AND user = 'alice'", func(rows [][]string) bool { return rows[0][0] != "0" })

	readme, err := os.ReadFile(filepath.Join(root, "examples/webapp/README.md"))
	require.NoError(t, err)
	question := regexp.MustCompile("(?s)```sql\n(.*?)```").FindSubmatch(readme)[1]
	var rows [][]string
	require.Eventually(t, func() bool {
		rows = query(t, col.database(), strings.TrimSpace(string(question)))
		return len(rows) == 3
	}, arrival, quick, "the answers of the README's question: %s", &rows)
	for i, want := range [][]string{{"clickhouse", "alice"}, {"postgresql", pgserver.Alice.Name}, {"webapp", "alice"}} {
		require.Equal(t, append(want, "127.0.0.1", hex.EncodeToString(click)), rows[i][1:5])
	}
	events := query(t, col.database(), "SELECT type, user, error_type, count(DISTINCT trace_id) FROM session_log WHERE system = 'webapp' GROUP BY 1, 2, 3 ORDER BY 1")
	require.Equal(t, [][]string{
		{"LoginFailure", "alice", "invalid_credentials", "1"}, {"LoginSuccess", "alice", null, "1"}, {"Logout", "alice", null, "1"},
	}, events)
	require.Equal(t, [][]string{{"closed"}}, query(t, col.database(), "SELECT state FROM sessions WHERE system = 'webapp'"))
	spans, err := os.ReadFile(filepath.Join(data, "traces.jsonl"))
	require.NoError(t, err)
	for _, name := range []string{"POST /login", "login clickhouse", "login postgresql"} {
		require.Contains(t, string(spans), name)
	}
	require.GreaterOrEqual(t, bytes.Count(spans, []byte(hex.EncodeToString(click))), 3)
	col.stop(t)
}

// startWebApp runs the example as a process; the function that it gives ends it, as Ctrl-C does.
func startWebApp(t *testing.T, page string, env []string) (stop func()) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "webapp")
	out, err := exec.Command("go", "build", "-toolexec", "env GOGC=off GOMEMLIMIT=2GiB", "-ldflags", "-s -w", "-o", path, "github.com/otel-sessionlog/sessionlog/examples/webapp").CombinedOutput()
	require.NoError(t, err, "%s", out)
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), env...)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	waitFor(t, page)
	return func() {
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, <-ended, "%s", &log)
	}
}

// browser keeps cookies and says which trace a click belongs to.
type browser struct {
	http.Client
	site string
}

func newBrowser(t *testing.T, site string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{Client: http.Client{Jar: jar}, site: site}
}

// post fills in a form, follows where it leads, and gives the last page's status.
func (b *browser) post(t *testing.T, path string, click []byte, user, password string) int {
	t.Helper()
	form := url.Values{"user": {user}, "password": {password}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.site+path, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if click != nil {
		request.Header.Set("traceparent", "00-"+hex.EncodeToString(click)+"-00f067aa0ba902b7-01")
	}
	response, err := b.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	if path == "/login" && response.StatusCode == http.StatusOK {
		require.Contains(t, string(body), "Hello "+user)
	}
	return response.StatusCode
}
