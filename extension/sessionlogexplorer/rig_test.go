package sessionlogexplorer

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/extension"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sealing"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/extension/sessionlogexplorer/internal/explorertest"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const sampleCount = 3000

// samples are the events of every backend of the tests, which end a moment before them.
var samples = sync.OnceValue(func() []session.Event { return explorertest.Generate(time.Now().Truncate(time.Second), sampleCount) })

// publicKey verifies the seals of the samples.
var publicKey string

// ignoredCounts is the telemetry of what seals.
type ignoredCounts struct{}

func (ignoredCounts) CountSealed(context.Context, uint64, uint64) {}

func (ignoredCounts) CountAlarm(context.Context) {}

func (ignoredCounts) CountCosigned(context.Context, bool) {}

// sealed is a backend that seals with the key of publicKey.
func sealed(t testing.TB, store backend.Backend, open func(context.Context) (query.Store, error)) backend.Backend {
	t.Helper()
	return sealedAs(t, sealConfig(t), store, open)
}

func sealConfig(t testing.TB) sealing.Config {
	t.Helper()
	dir := t.TempDir()
	cfg := sealing.DefaultConfig()
	cfg.KeyFile, cfg.Directory, cfg.Writer = filepath.Join(dir, "seal.key"), filepath.Join(dir, "seal"), "a"
	publicKey = makeKey(t, cfg.KeyFile)
	return cfg
}

func makeKey(t testing.TB, file string) (public string) {
	t.Helper()
	secret, public, err := seal.GenerateKey("audit.example.net/logins")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte(secret), 0o600))
	return public
}

func sealedAs(t testing.TB, cfg sealing.Config, store backend.Backend, open func(context.Context) (query.Store, error)) backend.Backend {
	t.Helper()
	made, err := sealing.New(store, cfg, 0, open, zap.NewNop(), ignoredCounts{})
	require.NoError(t, err)
	return made
}

// fill starts a backend, writes the samples and closes it.
func fill(t testing.TB, store backend.Backend) {
	t.Helper()
	require.NoError(t, store.Start(t.Context()))
	result, err := store.Write(t.Context(), explorertest.AllEvents(samples()))
	require.NoError(t, err)
	require.Empty(t, result.Rejected)
	require.NoError(t, store.Shutdown(t.Context()))
}

func sqliteConfig(path string) sqlite.Config {
	cfg := sqlite.DefaultConfig()
	cfg.Path = path
	return cfg
}

// sampleDatabase is made once for all tests, which only read it.
var sampleDatabase = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "explorer")
	return filepath.Join(folder, "session_log.db"), err
})

func samplePath(t testing.TB) string {
	t.Helper()
	path, err := sampleDatabase()
	require.NoError(t, err)
	if _, err := os.Stat(path); err != nil {
		store, err := sqlite.New(sqliteConfig(path), componenttest.NewNopTelemetrySettings())
		require.NoError(t, err)
		fill(t, sealed(t, store, func(ctx context.Context) (query.Store, error) { return sqlite.OpenQueryStore(ctx, sqliteConfig(path)) }))
	}
	return path
}

// server is an explorer that listens.
type server struct {
	*explorerServer
	t   testing.TB
	url string
}

// startServer starts an explorer over the samples; change its configuration as you like.
func startServer(t testing.TB, change func(*Config)) *server {
	t.Helper()
	return startServerOn(t, componenttest.NewNopHost(), change)
}

func startServerOn(t testing.TB, host component.Host, change func(*Config)) *server {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	cfg.SQLite = configoptional.Some(sqliteConfig(samplePath(t)))
	cfg.Server.NetAddr.Endpoint = "127.0.0.1:0"
	if change != nil {
		change(cfg)
	}
	require.NoError(t, confmap.Validate(cfg))
	x, err := newExplorer(extension.Settings{ID: component.NewID(Type), TelemetrySettings: componenttest.NewNopTelemetrySettings()}, cfg)
	require.NoError(t, err)
	require.NoError(t, x.Start(t.Context(), host))
	s := &server{x, t, x.listenAddress()}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		require.NoError(t, x.NotReady())
		require.NoError(t, x.Shutdown(context.WithoutCancel(t.Context())))
	})
	return s
}

// send asks for a path, with headers as name, value, …
func (s *server) send(method, path string, headers ...string) *http.Response {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, http.NoBody)
	require.NoError(s.t, err)
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			request.Host = headers[i+1]
			continue
		}
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultTransport.RoundTrip(request) // which follows no redirects
	require.NoError(s.t, err)
	return answer
}

// read gives status and body of a path.
func (s *server) read(path string, headers ...string) (int, string) {
	s.t.Helper()
	answer := s.send(http.MethodGet, path, headers...)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(s.t, err)
	return answer.StatusCode, string(text)
}

// readInto asks the API, which must answer with 200.
func (s *server) readInto(path string, into any) {
	s.t.Helper()
	status, text := s.read(apiRoot + path)
	require.Equal(s.t, http.StatusOK, status, "%s: %s", path, text)
	require.NoError(s.t, json.Unmarshal([]byte(text), into), text)
}
