package sessionlogdelivery

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"
)

// TestShortTimeouts: a sender that waits for a gateway's commit must wait longer than one takes.
func TestShortTimeouts(t *testing.T) {
	const pipelines = `
receivers: {sessionlog: {storage: s}}
exporters: {ID: {SETTINGS}}
service: {pipelines: {logs: {receivers: [sessionlog], exporters: [ID]}}}
`
	const waits = "sending_queue: {wait_for_result: true}"
	for _, c := range []struct {
		id, settings string
		warned       bool
	}{
		{"otlp_grpc/gateway", waits, true},
		{"otlp", waits + ", timeout: 10s", true},
		{"otlp", "sending_queue: {enabled: false}", true},
		{"otlp", waits + ", timeout: 60s", false},
		{"otlp", waits + ", timeout: 0", false},
		{"otlp_http", waits, false},
	} {
		yaml := strings.NewReplacer("ID", c.id, "SETTINGS", c.settings).Replace(pipelines)
		logs, err := notify(t, &Config{OnLoss: OnLossWarn}, yaml)
		require.NoError(t, err)
		warnings := logs.FilterLevelExact(zapcore.WarnLevel).FilterMessageSnippet("::timeout").All()
		require.Equal(t, c.warned, len(warnings) == 1, "%s %s", c.id, c.settings)
		if c.warned {
			require.Contains(t, warnings[0].Message, "exporters::"+c.id+"::timeout: ")
			logs, err = notify(t, &Config{OnLoss: OnLossWarn, Acknowledge: []string{"exporters::" + c.id}}, yaml)
			require.NoError(t, err)
			require.Empty(t, logs.FilterMessageSnippet("::timeout").All())
		}
	}
}
