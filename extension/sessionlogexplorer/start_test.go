package sessionlogexplorer

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/extension"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/postgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
)

// TestBeforeTheFirstLogin: the extension starts before the exporter has made the tables. It says so, and answers once they are there.
func TestBeforeTheFirstLogin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "session_log.db")
	s := startServer(t, func(c *Config) { c.SQLite = configoptional.Some(sqliteConfig(path)) })
	unwritten := func() {
		status, text := s.read(apiRoot + "/events")
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.Contains(t, text, "no login has been written yet")
		require.Contains(t, text, `"reason":"nothing_written"`)
		var health healthAnswer
		s.readInto("/health", &health)
		require.Equal(t, reasonNothingWritten, health.Backend.State)
	}
	unwritten()
	require.NoFileExists(t, path)
	require.NoError(t, os.Mkdir(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, nil, 0o600)) // a database without tables
	unwritten()
	require.NoError(t, os.Remove(path))
	store, err := sqlite.New(sqliteConfig(path), componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	require.NoError(t, store.Start(t.Context()))
	var events eventsAnswer
	s.readInto("/events", &events)
	require.Empty(t, events.Events)
	require.True(t, events.Coverage.Complete)
	for _, path := range []string{"/histogram", "/facets", "/inventory", "/new", "/now", "/users/alice"} {
		status, text := s.read(apiRoot + path)
		require.Equal(t, http.StatusOK, status, text)
	}
	require.NoError(t, store.Shutdown(t.Context()))
}

// TestABackendThatIsAway is told in its own words, without its password.
func TestABackendThatIsAway(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := closed.Addr().String()
	require.NoError(t, closed.Close())
	const secret = "hunter2-S3cret"
	for name, change := range map[string]func(*Config){
		"postgresql": func(c *Config) {
			cfg := postgresql.DefaultConfig()
			cfg.Endpoints, cfg.Username, cfg.Password, cfg.Database = []string{address}, "u", configopaque.String(secret), "d"
			c.SQLite, c.PostgreSQL = configoptional.None[sqlite.Config](), configoptional.Some(cfg)
		},
		"clickhouse": func(c *Config) {
			cfg := clickhouse.DefaultConfig()
			cfg.Endpoints, cfg.Username, cfg.Password = []string{"clickhouse://" + address}, "u", configopaque.String(secret)
			c.SQLite, c.ClickHouse = configoptional.None[sqlite.Config](), configoptional.Some(cfg)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, change)
			for _, path := range []string{"/events", "/now", "/new", "/events.csv", "/tail"} {
				status, text := s.read(apiRoot + path)
				require.Equal(t, http.StatusServiceUnavailable, status, text)
				require.Contains(t, text, `"reason":"backend"`)
				require.Contains(t, text, address)
				require.NotContains(t, text, secret)
			}
			for _, path := range []string{"/health", "/config"} {
				status, text := s.read(apiRoot + path)
				require.Equal(t, http.StatusOK, status, text)
				require.NotContains(t, text, secret)
			}
		})
	}
}

// TestThePortIsFreeAfterwards: stopped and started again at the same address, as a reload does.
func TestThePortIsFreeAfterwards(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())
	for range 3 {
		cfg := createDefaultConfig().(*Config)
		cfg.SQLite = configoptional.Some(sqliteConfig(samplePath(t)))
		cfg.Server.NetAddr.Endpoint = address
		x, err := newExplorer(extension.Settings{TelemetrySettings: componenttest.NewNopTelemetrySettings()}, cfg)
		require.NoError(t, err)
		require.NoError(t, x.Start(t.Context(), componenttest.NewNopHost()))
		s := &server{x, t, x.listenAddress()}
		status, _ := s.read(apiRoot + "/events")
		require.Equal(t, http.StatusOK, status)

		second, err := newExplorer(extension.Settings{TelemetrySettings: componenttest.NewNopTelemetrySettings()}, cfg)
		require.NoError(t, err)
		require.ErrorContains(t, second.Start(t.Context(), componenttest.NewNopHost()), "endpoint: ")
		require.NoError(t, second.Shutdown(t.Context()))

		require.NoError(t, x.NotReady())
		status, text := s.read(apiRoot + "/events")
		require.Equal(t, http.StatusServiceUnavailable, status, text)
		require.NoError(t, x.Shutdown(t.Context()))
		_, err = net.Dial("tcp", address)
		require.Error(t, err)
	}
}

func TestConfig(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(createDefaultConfig()))
	for _, c := range []struct{ yaml, want string }{
		{"{}", ""},
		{"sqlite: {path: x.db}", ""},
		{"endpoint: localhost:9000", ""},
		{"endpoint: \"[::1]:9000\"", ""},
		{`endpoint: "http://127.0.0.1:8127"`, "is no address to listen on: write host:port"},
		{"endpoint: 0.0.0.0:8127", "auth: required, since endpoint 0.0.0.0:8127 can be reached from other machines"},
		{"endpoint: :8127", "auth: required"},
		{"endpoint: logins.example.com:8127", "set auth::authenticator to an extension such as bearertokenauth"},
		{"{endpoint: 0.0.0.0:8127, auth: {authenticator: bearertokenauth}}", ""},
		{"endpoint: \"\"", "endpoint: required"},
		{"{sqlite: {path: x.db}, postgresql: {endpoints: [a:1], database: d, username: u}}", "sqlite, postgresql: an explorer has one backend"},
		{"sqlite: {path: \"\"}", "path: must name a file"},
		{"cors: {allowed_origins: [\"*\"]}", "cors: not possible"},
		{"trace_link: \"javascript:alert({trace_id})\"", "trace_link: "},
		{"trace_link: https://jaeger.example.com/trace/", "with {trace_id} in it"},
		{"trace_link: \"https://jaeger.example.com/trace/{trace_id}\"", ""},
		{"allowed_hosts: [\"*\"]", "allowed_hosts: "},
		{"allowed_hosts: [\"https://x\"]", "allowed_hosts: "},
		{"max_export_rows: 0", "max_export_rows: "},
		{"max_questions: 0", "max_questions: "},
		{"answer_time: 1h", "answer_time: must be between"},
		{"answer_time: 700", "answer_time: "},
		{"allowed_host: [x]", "did you mean allowed_hosts"},
	} {
		r, err := confmap.NewRetrievedFromYAML([]byte(c.yaml))
		require.NoError(t, err)
		conf, err := r.AsConf()
		require.NoError(t, err)
		cfg := createDefaultConfig()
		if err = conf.Unmarshal(cfg); err == nil {
			err = confmap.Validate(cfg)
		}
		if c.want == "" {
			require.NoError(t, err, c.yaml)
			continue
		}
		require.ErrorContains(t, err, c.want, c.yaml)
	}
}

// TestReadmeNamesEveryKey holds the page against the struct.
func TestReadmeNamesEveryKey(t *testing.T) {
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for _, key := range []string{"endpoint", "sqlite", "clickhouse", "postgresql", "trace_link", "allowed_hosts", "max_export_rows", "answer_time", "max_questions", "auth", "tls"} {
		require.True(t, strings.Contains(string(page), "| `"+key+"` |"), key)
	}
}
