package httpsource

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

func TestDefaultsAreValidAndOfThisMachineOnly(t *testing.T) {
	config := loadConfig(t, map[string]any{})
	require.NoError(t, confmap.Validate(config))
	require.Equal(t, "127.0.0.1:8128", config.Server.NetAddr.Endpoint)
	require.False(t, config.Server.CORS.HasValue())
	require.EqualValues(t, 20<<20, config.Server.MaxRequestBodySize)
	require.Equal(t, "127.0.0.1:8128", config.DefaultInstance())
}

func TestMistakesAreNamed(t *testing.T) {
	for _, c := range []struct {
		message string
		change  func(*Config)
	}{
		{"endpoint: required: the address to listen on, as 127.0.0.1:8128", func(c *Config) { c.Server.NetAddr.Endpoint = "" }},
		{`endpoint: "http://0.0.0.0:8128" is no address to listen on: write host:port without a scheme, as 127.0.0.1:8128`, func(c *Config) { c.Server.NetAddr.Endpoint = "http://0.0.0.0:8128" }},
		{`endpoint: "0.0.0.0" is no address to listen on: write host:port without a scheme, as 127.0.0.1:8128`, func(c *Config) { c.Server.NetAddr.Endpoint = "0.0.0.0" }},
		{"max_request_body_size: must be more than 0 bytes, as 20971520", func(c *Config) { c.Server.MaxRequestBodySize = 0 }},
		{"max_buffered_bytes: must be at least max_request_body_size (20971520), or no call of that size is ever taken", func(c *Config) { c.MaxBufferedBytes = 1 << 20 }},
		{"read_timeout: must be longer than 0, as 30s: without it a slow sender holds its connection for ever", func(c *Config) { c.Server.ReadTimeout = 0 }},
		{"delivery_timeout: must be longer than 0, as 30s", func(c *Config) { c.DeliveryTimeout = 0 }},
		{"write_timeout: must be at least read_timeout plus delivery_timeout (2m30s), or the answer of a slow delivery is lost", func(c *Config) { c.DeliveryTimeout = 2 * time.Minute }},
		{"max_in_flight: must be 1 or more", func(c *Config) { c.MaxInFlight = 0 }},
		{"max_items: must be 1 or more", func(c *Config) { c.MaxItems = 0 }},
		{`senders: "a/b" cannot be the last part of a path: use letters, digits and dashes`, func(c *Config) { c.Senders = map[string]SenderConfig{"a/b": {}} }},
		{`senders::x::signature::style: "md5" is none of hmac_sha256, header`, func(c *Config) {
			*c = loadConfig(t, map[string]any{"senders": map[string]any{"x": map[string]any{"signature": map[string]any{"style": "md5"}}}})
		}},
		{"senders::x::signature::secret: 5 bytes are too few to withstand guessing; give 16 random ones or more, as in ${env:SENDER_SECRET}", func(c *Config) {
			*c = loadConfig(t, map[string]any{"senders": map[string]any{"x": map[string]any{"signature": map[string]any{"style": "header", "secret": "short"}}}})
		}},
	} {
		config := DefaultConfig()
		c.change(&config)
		require.EqualError(t, config.Validate(), c.message)
	}
}
