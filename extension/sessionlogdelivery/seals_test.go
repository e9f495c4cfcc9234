package sessionlogdelivery

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"
)

// TestSealsThatProveLittle: whose heads nobody has, or whose key the database's administrator can read.
func TestSealsThatProveLittle(t *testing.T) {
	for _, c := range []struct {
		settings string
		warned   string
	}{
		{"seal: {key_file: k, directory: d}", ""},
		{"seal: {key_file: k, heads: {file: false}}", ""},
		{"seal: {key_file: k, heads: {file: false, telemetry: false}}", "::seal::heads: "},
		{"seal: {key_file: k, heads: {file: false, telemetry: false}, witnesses: [{endpoint: 'https://w', key: k}]}", ""},
		{"seal: {key_file: k}, postgresql: {endpoints: ['127.0.0.1:5432']}", "::seal::key_file: "},
		{"seal: {key_file: k}, clickhouse: {endpoints: ['http://ch-1:8123', 'clickhouse://localhost:9000']}", "::seal::key_file: "},
		{"seal: {key_file: k}, clickhouse: {endpoints: ['clickhouse://ch-1:9000']}", ""},
		{"postgresql: {endpoints: ['127.0.0.1:5432']}", ""},
	} {
		yaml := strings.Replace(`
receivers: {sessionlog: {storage: s}}
exporters: {sessionlog/a: {SETTINGS}}
service: {pipelines: {logs: {receivers: [sessionlog], exporters: [sessionlog/a]}}}
`, "SETTINGS", c.settings, 1)
		logs, err := notify(t, &Config{OnLoss: OnLossWarn}, yaml)
		require.NoError(t, err)
		warnings := logs.FilterLevelExact(zapcore.WarnLevel).FilterMessageSnippet("::seal").All()
		require.Equal(t, c.warned != "", len(warnings) == 1, c.settings)
		if c.warned != "" {
			require.Contains(t, warnings[0].Message, "exporters::sessionlog/a"+c.warned)
			logs, err = notify(t, &Config{OnLoss: OnLossWarn, Acknowledge: []string{"exporters::sessionlog/a"}}, yaml)
			require.NoError(t, err)
			require.Empty(t, logs.FilterMessageSnippet("::seal").All())
		}
	}
}
