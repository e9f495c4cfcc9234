// Package goldenids pins record ids and session keys of each dialect. An id that changed would emit every event twice after an
// upgrade, and nobody would notice by the events alone. A dialect that must change one says so in one file of its own.
package goldenids

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// Texts is the folder of a dialect's inputs and their golden.
const Texts = "testdata/ids"

// CheckFormats reads, of each format, the text testdata/ids/<name of the format> (log_line_prefix where the format needs one) and
// compares the ids of its events with testdata/ids/golden.
func CheckFormats(t *testing.T, formats []logformat.Format, linePrefix string) {
	t.Helper()
	var g sessiontest.GoldenIDs
	for _, f := range formats {
		text, err := os.ReadFile(filepath.Join(Texts, f.Name)) //nolint:gosec // a test's input
		require.NoError(t, err, "each format has an input")
		events := readAllEvents(t, f.New(logformat.Options{
			Instance: "golden", Zone: time.UTC, Name: f.Name, Written: time.Date(2026, 11, 21, 23, 0, 0, 0, time.UTC), LinePrefix: linePrefix,
		}), text)
		require.GreaterOrEqual(t, len(events), 2, f.Name)
		g.Add(f.Name, events...)
	}
	g.Check(t, filepath.Join(Texts, "golden"))
}

func readAllEvents(t *testing.T, p logformat.Parser, text []byte) []session.Event {
	t.Helper()
	batch := &logformat.EventBatch{}
	for pos := 0; pos < len(text); {
		n := p.Frame(text[pos:], true)
		require.Positive(t, n)
		require.NoError(t, p.Parse(string(text[pos:pos+n]), int64(pos), batch))
		pos += n
	}
	p.FlushDue(math.MaxInt64, batch)
	return batch.Events
}
