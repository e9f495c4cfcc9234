package sessionlogdelivery

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"
)

// TestAnExporterThatIsReadByItsReceiver: its writes would be logins without end.
func TestAnExporterThatIsReadByItsReceiver(t *testing.T) {
	for _, c := range []struct {
		from, to string
		warned   bool
	}{
		{"endpoints: ['clickhouse://ch-1:9000']", "endpoints: ['http://ch-1:8123'], username: writer", true},
		{"endpoints: ['http://ch-1:8123'], exclude_users: [other]", "endpoints: ['https://ch-1:8443'], username: writer", true},
		{"endpoints: ['http://ch-1:8123'], exclude_users: [writer]", "endpoints: ['http://ch-1:8123'], username: writer", false},
		{"endpoints: ['http://ch-1:8123']", "endpoints: ['clickhouse://ch-1:9000'], username: writer", false},
		{"endpoints: ['http://ch-1:8123']", "endpoints: ['http://ch-2:8123'], username: writer", false},
	} {
		yaml := strings.NewReplacer("FROM", c.from, "TO", c.to).Replace(`
receivers: {sessionlog/ch: {clickhouse: {FROM}, storage: s}}
exporters: {sessionlog/a: {clickhouse: {TO}}}
service: {pipelines: {logs: {receivers: [sessionlog/ch], exporters: [sessionlog/a]}}}
`)
		logs, err := notify(t, &Config{OnLoss: OnLossWarn}, yaml)
		require.NoError(t, err)
		warnings := logs.FilterLevelExact(zapcore.WarnLevel).FilterMessageSnippet("without end").All()
		require.Equal(t, c.warned, len(warnings) == 1, "%s, %s", c.from, c.to)
		if c.warned {
			require.Contains(t, warnings[0].Message, "exporters::sessionlog/a::clickhouse::endpoints: writes over HTTP to a server whose logins receivers::sessionlog/ch reads")
			logs, err = notify(t, &Config{OnLoss: OnLossWarn, Acknowledge: []string{"exporters::sessionlog/a"}}, yaml)
			require.NoError(t, err)
			require.Empty(t, logs.FilterMessageSnippet("without end").All())
		}
	}
}
