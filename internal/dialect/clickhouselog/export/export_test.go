package export_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog/export"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

// parseExport parses a whole text and gives its events and the errors of its bad rows.
func parseExport(t testing.TB, format, text string, zone *time.Location) ([]session.Event, []string) {
	t.Helper()
	f, ok := logformat.FindFormat(export.Formats(), format)
	if format == "auto" {
		var verdict logformat.Verdict
		f, verdict = logformat.Detect(export.Formats(), []byte(text[:min(len(text), 4096)]), true)
		ok = verdict == logformat.VerdictYes
	}
	require.True(t, ok, format)
	p := f.New(logformat.Options{Instance: "warehouse", Zone: zone})
	batch := &logformat.EventBatch{}
	var bad []string
	for at := 0; at < len(text); {
		n := p.Frame([]byte(text[at:]), false)
		if n == 0 {
			n = len(text) - at
		}
		if err := p.Parse(text[at:at+n], int64(at), batch); err != nil {
			bad = append(bad, err.Error())
		}
		at += n
	}
	return batch.Events, bad
}

func sampleExport(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/session_log.jsonl")
	require.NoError(t, err)
	return string(text)
}

func TestRealRowsOfAServer(t *testing.T) {
	events, bad := parseExport(t, "JSONEachRow", sampleExport(t), time.UTC)
	require.Empty(t, bad)
	require.Len(t, events, strings.Count(sampleExport(t), "\n"))
	e := events[1]
	require.Equal(t, session.KindLogin, e.Kind)
	require.Equal(t, session.OutcomeSuccess, e.Outcome)
	require.Equal(t, "alice", e.User)
	require.Equal(t, time.Date(2026, 11, 21, 22, 0, 39, 527909000, time.UTC).UnixNano(), e.Time)
	require.Equal(t, []string{"analyst", "loader"}, e.Roles)
	require.Equal(t, session.Setting{Name: "max_threads", Value: "2"}, e.Settings[0])
	require.Equal(t, "billing/1.2.3 clickhouse-go/2.50.0 (lv:go/1.26.8; os:linux)", e.ClientName)
	require.Equal(t, "127.0.0.1", e.ClientAddress)
	require.Equal(t, "2.50.0", e.ClientVersion)
}
