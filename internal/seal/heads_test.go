package seal_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
)

// TestHeadsComeBackFromWhatKeptThem, in whatever form it gives its records back.
func TestHeadsComeBackFromWhatKeptThem(t *testing.T) {
	const one, two = "log/a\n7\nAAAA\n\n\u2014 log BBBB\n", "log/a\n9\nCCCC\n\n\u2014 log DDDD\n\u2014 witness EEEE\n"
	text := func(value any) string {
		content, err := json.Marshal(value)
		require.NoError(t, err)
		return string(content)
	}
	trimmed := strings.TrimSpace
	for name, content := range map[string]string{
		"the file":               one + "\n" + two + "\n",
		"two files, one a line":  "\n" + one + "\n\n" + trimmed(two),
		"records, one a line":    text(map[string]any{"_msg": trimmed(one), "_time": "now"}) + "\n" + text(map[string]any{"_msg": two}) + "\n",
		"OTLP in an array":       text([]any{map[string]any{"logRecords": []any{map[string]any{"body": map[string]any{"stringValue": one}}, map[string]any{"body": map[string]any{"stringValue": trimmed(two)}}}}}),
		"the collector's log":    "time\tinfo\tsealing.go:1\tstarted\t{\"a\": 1}\ntime\tinfo\tx\thead\t" + text(map[string]any{"head": one}) + "\ntime\tinfo\tother\ntime\tinfo\tx\thead\t" + text(map[string]any{"head": two}) + "\n",
		"its log, as JSON lines": text(map[string]any{"level": "info"}) + "\n" + text(map[string]any{"head": one}) + "\n" + text(map[string]any{"head": two}),
	} {
		require.Equal(t, []string{one, two}, seal.HeadsIn(content), name)
	}
	require.Empty(t, seal.HeadsIn(""))
	for _, content := range []string{"no head\n", `{"a":"b"}`} {
		require.Equal(t, []string{content}, seal.HeadsIn(content), "it is named as one that is unknown")
	}
	torn := text(map[string]any{"head": one}) + "\n" + text(map[string]any{"head": two})[:20]
	require.Len(t, seal.HeadsIn(torn), 2, "what was torn off is not silently left out")
}
