package configclickhouse_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
)

func TestAPasswordWithoutTLSIsWarnedOf(t *testing.T) {
	f := func(want int, tls map[string]any, endpoints ...string) {
		t.Helper()
		cfg := configclickhouse.DefaultClientConfig()
		cfg.Endpoints, cfg.Password = endpoints, "a secret"
		if tls != nil {
			require.NoError(t, cfg.TLS.Unmarshal(confmap.NewFromStringMap(tls)))
		}
		core, logs := observer.New(zap.WarnLevel)
		cfg.WarnOfPlaintext(zap.New(core))
		require.Equal(t, want, logs.Len())
		for _, entry := range logs.All() {
			require.Contains(t, entry.Message, "tls: {}")
			require.NotContains(t, entry.ContextMap()["to"], "a secret")
		}
		cfg.Password = ""
		cfg.WarnOfPlaintext(zap.New(core))
		require.Equal(t, want, logs.Len(), "there is no password")
	}
	f(1, nil, "clickhouse://ch-1:9000")
	f(1, nil, "https://ch-1:8443", "http://192.0.2.7:8123")
	f(1, map[string]any{"insecure": true}, "ch-1:9000")
	f(0, map[string]any{"insecure_skip_verify": true}, "ch-1:9440")
	f(0, nil, "https://ch-1:8443")
	f(0, nil, "localhost:9000", "http://127.0.0.1:8123", "clickhouse://[::1]:9000", "http://[::ffff:127.0.0.2]:8123")
	f(1, nil, "http://localhost.example.net:8123")
}
