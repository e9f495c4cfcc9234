package configclickhouse_test

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
)

// greeter speaks first, as servers of mail do.
func greeter(t *testing.T, words string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte(words))
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

// A port that speaks another protocol than the endpoint says is told with the key and what to write.
func TestAPortThatSpeaksAnotherProtocol(t *testing.T) {
	s := quiet.Get(t)
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
	f("clickhouse://"+postgresql.Start(t, postgresql.Version(15)).Address, false, "endpoints: ", "no native port of ClickHouse, usually 9000")
	f("clickhouse://"+greeter(t, "220 mail.example ESMTP\r\n"), false, "endpoints: what answers at ", "is no ClickHouse server", "9000")
}
