package configclickhouse

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
)

func TestConfigStruct(t *testing.T) {
	cfg := DefaultClientConfig()
	require.NoError(t, componenttest.CheckConfigStruct(&cfg))
}

func TestEndpoints(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		e, err := parseEndpoint(text)
		if want, ok := strings.CutPrefix(want, "error: "); ok {
			require.ErrorContains(t, err, want)
			return
		}
		require.NoError(t, err)
		require.Equal(t, want, e.String())
	}
	f("clickhouse://ch:9000", "clickhouse://ch:9000")
	f("ch:9000", "clickhouse://ch:9000")
	f("[::1]:9000", "clickhouse://[::1]:9000")
	f("http://ch:8123/", "http://ch:8123")
	f("https://ch:8443", "https://ch:8443")

	f("tcp://ch:9000", `error: scheme "tcp" is none of clickhouse, http, https`)
	f("ch", "error: has no port; write clickhouse://ch:9000")
	f("https://ch", "error: write https://ch:8443")
	f("http://::1", "error: ")
	f("ch:0", "error: not in 1-65535")
	f("ch:70000", "error: not in 1-65535")
	f("ch:port", "error: cannot be read")
	f("http:8123", "clickhouse://http:8123")
	f("http:/ch:8123", "error: has no :// after http; write http://host:8123")
	f("https//ch", "error: has no :// after https; write https://host:8443")
	f("clickhouse:ch:9000", "error: has no :// after clickhouse; write clickhouse://host:9000")
	f(`http:\\\\ch`, "error: has no :// after http; write http://host:8123")
	f("clickhouse://ch:9000/db?x=1", "error: has more than host and port")
	f("clickhouse://u:secret@ch:9000", "error: write them under username and password")
	f(":9000", "error: ")
	f("", "error: cannot be read")
	_, err := parseEndpoint("clickhouse://u:secret@ch:9000")
	require.NotContains(t, err.Error(), "secret")
}

func TestValidate(t *testing.T) {
	f := func(change func(*ClientConfig), want string) {
		t.Helper()
		cfg := DefaultClientConfig()
		cfg.Endpoints = []string{"ch:9000"}
		change(&cfg)
		err := cfg.Check()
		if want == "" {
			require.NoError(t, err)
			return
		}
		require.ErrorContains(t, err, want)
	}
	f(func(*ClientConfig) {}, "")
	f(func(c *ClientConfig) { c.Endpoints = nil }, "endpoints: none given")
	f(func(c *ClientConfig) { c.Endpoints = []string{"ch:9000", "ch"} }, "endpoints[1]: has no port")
	f(func(c *ClientConfig) { c.Compression = "gzip" }, `compression: "gzip" is neither none nor lz4`)
	f(func(c *ClientConfig) { c.DialTimeout = 0 }, "dial_timeout: ")
	f(func(c *ClientConfig) { c.ReadTimeout = -time.Second }, "read_timeout: ")
	f(func(c *ClientConfig) {
		c.Endpoints = []string{"http://ch:8123"}
		require.NoError(t, c.TLS.Unmarshal(confmap.NewFromStringMap(map[string]any{"insecure_skip_verify": true})))
	}, "write https:// or remove tls")
}

func TestExceptionInABody(t *testing.T) {
	f := func(body string, code int, message string) {
		t.Helper()
		x, ok := parseException([]byte(body))
		require.Equal(t, code != 0, ok)
		if ok {
			require.Equal(t, Exception{code, message}, *x)
		}
	}
	f("Code: 497. DB::Exception: audit: Not enough privileges. (ACCESS_DENIED) (version 26.7.2.1)\n", 497, "audit: Not enough privileges. (ACCESS_DENIED) (version 26.7.2.1)")
	f("\x01\x05\x00rows__exception__\r\ntag\r\nCode: 395. DB::Exception: Value. (X)\r\n12 tag\r\n__exception__", 395, "Value. (X)")
	f("<html>502</html>", 0, "")
	f("", 0, "")
}
