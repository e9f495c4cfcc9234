package configclickhouse_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/internal/testengine"
)

// A port that speaks another protocol than the endpoint says is told with the key and what to write.
func TestAPortThatSpeaksAnotherProtocol(t *testing.T) {
	s := testengine.ClickHouse(t)
	secureNative, _ := secureProxy(t, s.Native)
	f := func(endpoint string, tls bool, want ...string) {
		t.Helper()
		cfg := config(endpoint)
		cfg.DialTimeout = time.Second
		if tls {
			require.NoError(t, cfg.TLS.Unmarshal(confmap.NewFromStringMap(map[string]any{"insecure_skip_verify": true})))
		}
		client, err := configclickhouse.NewClient(t.Context(), cfg)
		require.NoError(t, err)
		_, err = client.Connect(t.Context())
		for _, text := range want {
			require.ErrorContains(t, err, text)
		}
		require.NotContains(t, err.Error(), string(cfg.Password))
	}
	f("clickhouse://"+s.HTTP, false, "endpoints: this port speaks HTTP", "write http://"+s.HTTP)
	f(s.HTTP, false, "write http://"+s.HTTP)
	f("http://"+s.Native, false, "endpoints: this port speaks the native protocol", "clickhouse://")
	f("https://"+s.HTTP, false, "endpoints: this port does not speak TLS", "write http://"+s.HTTP)
	f("clickhouse://"+s.HTTP, true, "endpoints: this port speaks HTTP")
	f("clickhouse://"+s.Native, true, "tls: this port does not speak TLS", "remove tls")
	f("clickhouse://"+secureNative, false, "tls: this port speaks TLS", "write tls: {}")
}
