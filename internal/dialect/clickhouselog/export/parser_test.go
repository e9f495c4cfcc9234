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

func allFormats() []logformat.Format { return export.Formats() }

func zonelessParser(t testing.TB, format string) logformat.Parser {
	t.Helper()
	f, ok := logformat.FindFormat(allFormats(), format)
	require.True(t, ok)
	return f.New(logformat.Options{Instance: "warehouse"})
}

// splitRecords cuts a text at its records.
func splitRecords(p logformat.Parser, text string) (out []string) {
	for text != "" {
		n := p.Frame([]byte(text), false)
		if n == 0 {
			n = len(text)
		}
		out = append(out, text[:n])
		text = text[n:]
	}
	return out
}

// A parser that goes on at an anchor gives the events from there with the ids that they had, wherever the first one stopped:
// even among rows that are equal in everything, which only their number tells apart.
func TestAnchorsGiveTheSameEventsAgain(t *testing.T) {
	for _, f := range exportFiles {
		content, err := os.ReadFile(f.path)
		require.NoError(t, err)
		text := string(content)
		rows := splitRecords(newTestParser(t, f.format), text)
		rows = append(rows, rows[len(rows)-1], rows[len(rows)-1], rows[len(rows)-1])
		whole := &logformat.EventBatch{}
		first := newTestParser(t, f.format)
		at := int64(0)
		for n, row := range rows {
			require.NoError(t, first.Parse(row, at, whole))
			at += int64(len(row))
			anchor, state := first.ResumeOffset(), first.ResumeState()
			second, again := newTestParser(t, f.format), &logformat.EventBatch{}
			require.NoError(t, second.Restore(anchor, state, false))
			place := int64(0)
			for _, row := range rows[:n+1] {
				if place >= anchor {
					require.NoError(t, second.Parse(row, place, again))
				}
				place += int64(len(row))
			}
			tail := whole.Events[len(whole.Events)-len(again.Events):]
			for i := range again.Events {
				require.Equal(t, tail[i].RecordID, again.Events[i].RecordID, "%s: row %d", f.format, n)
			}
			if n > 0 {
				require.NotEmpty(t, again.Events, "%s: row %d", f.format, n)
			}
		}
		ids := map[session.ID]bool{}
		for i := range whole.Events {
			ids[whole.Events[i].RecordID] = true
		}
		require.Len(t, ids, len(whole.Events), "two rows of the table share an id")
	}
}

// Whatever a reader has of a record so far, no part of it is taken for the whole.
func TestFrameOfEveryPart(t *testing.T) {
	for _, f := range exportFiles {
		p := newTestParser(t, f.format)
		row := splitRecords(p, parseFile(t, f.path))[1]
		for n := range len(row) {
			require.Zero(t, p.Frame([]byte(row[:n]), false), "%s: %d bytes of %q", f.format, n, row)
		}
		require.Equal(t, len(row), p.Frame([]byte(row), false))
		require.Equal(t, len(row), p.Frame([]byte(row+row), false))
	}
	hard := "\"a\nb\",\"c\"\"\n\"\"\",1,\"\"\r\n"
	p := newTestParser(t, "CSVWithNames")
	for n := range len(hard) {
		require.Zero(t, p.Frame([]byte(hard[:n]), false), "%d bytes", n)
	}
	require.Equal(t, len(hard), p.Frame([]byte(hard+"x"), false))
}

func TestHugeNames(t *testing.T) {
	huge := strings.Repeat(`x\/`, 5<<20)
	events, bad := parseExport(t, "JSONEachRow", jsonObject(`,"user":"`+huge+`"`)+jsonObject(`,"user":"b"`), time.UTC)
	require.Empty(t, bad)
	require.Len(t, events, 2)
	require.Len(t, events[0].User, 10<<20)
	require.Equal(t, "b", events[1].User)
}

// Once names and escapes are known, a row costs no memory but the text that it came in.
func TestRowsCostNoAllocation(t *testing.T) {
	for _, f := range exportFiles {
		p, batch := newTestParser(t, f.format), &logformat.EventBatch{}
		rows := splitRecords(p, parseFile(t, f.path))
		for i, row := range rows {
			require.NoError(t, p.Parse(row, int64(i), batch))
		}
		rows = rows[1:]
		allocs := testing.AllocsPerRun(20, func() {
			batch.Cut(0)
			for _, row := range rows {
				_ = p.Parse(row, 1, batch)
			}
		})
		require.Len(t, batch.Events, strings.Count(sampleExport(t), "\n")-map[bool]int{true: 1}[f.format == "JSONEachRow"])
		require.Zero(t, allocs, f.format)
	}
}

func parseFile(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}
