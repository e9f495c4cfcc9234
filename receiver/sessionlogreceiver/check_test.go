package sessionlogreceiver

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
)

var _ connectcheck.Checker = (*Config)(nil)

// The receiver's check is its source's, with the source's block before each key.
func TestCheckConnectionIsTheSources(t *testing.T) {
	for text, key := range map[string]string{
		"clickhouse: {endpoints: [\"127.0.0.1:1\"], dial_timeout: 1s}": "clickhouse::endpoints",
		"redshift: {endpoints: [\"127.0.0.1:1\"], username: audit}":    "redshift::endpoints",
	} {
		for _, part := range receiversOf(t, "receivers:\n  sessionlog:\n    "+text+"\n") {
			config, err := load(part)
			require.NoError(t, err)
			findings := config.CheckConnection(t.Context())
			require.Len(t, findings, 1)
			require.False(t, findings[0].OK)
			require.Equal(t, key, findings[0].Key)
		}
	}
}
