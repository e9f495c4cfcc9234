package file_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/goleak"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/file"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// row is a successful login as a server exports it.
func row(user string, at time.Time) string {
	text, _ := json.Marshal(map[string]any{
		"hostname": "ch-0", "type": "LoginSuccess", "auth_id": uuid.NewSHA1(uuid.NameSpaceOID, []byte(user)).String(),
		"event_time_microseconds": at.UTC().Format("2006-01-02 15:04:05.000000"), "user": user, "auth_type": "SHA256_PASSWORD",
		"client_address": "::ffff:10.0.0.7", "client_port": 40000, "interface": "TCP",
	})
	return string(text) + "\n"
}

func appendTo(t testing.TB, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = f.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// config is that of the tests: quick to notice a change.
func config(include ...string) file.Config {
	cfg := file.DefaultConfig()
	cfg.Include, cfg.Timezone, cfg.PollInterval = include, "UTC", 5*time.Millisecond
	return cfg
}

func newSource(t testing.TB, cfg file.Config) source.Source {
	t.Helper()
	require.NoError(t, cfg.Validate())
	src, err := file.New(cfg, "warehouse", componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	return src
}

func TestSource(t *testing.T) {
	sourcetest.Run(t, func(t testing.TB) sourcetest.Place {
		path := filepath.Join(t.TempDir(), "session_log.jsonl")
		return sourcetest.Place{
			Source: func(t testing.TB, o sourcetest.Options) source.Source {
				cfg := config(path)
				cfg.BatchSize = o.BatchSize
				return newSource(t, cfg)
			},
			Add: func(t testing.TB, rows ...sourcetest.Row) {
				text := ""
				for _, r := range rows {
					text += row(r.User, r.Time)
				}
				appendTo(t, path, text)
			},
			Bad: func(t testing.TB, _ time.Time) { appendTo(t, path, `{"hostname":"ch-0","type":"LoginSu`+"\n") },
		}
	})
}
