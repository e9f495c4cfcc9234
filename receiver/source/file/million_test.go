package file_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

// mess is a file in which one line in a hundred is torn or hostile, and what became of it.
type mess struct {
	path   string
	want   []uint8        // events by story
	bad    map[int64]bool // places of the lines that are no good; true: nothing of them can be read
	lines  int
	random *rand.Rand
}

// secret is in every bad line: no complaint may show it.
const secret = "s3cret"

func newMess(t testing.TB, b *bulk, lines int) *mess {
	t.Helper()
	m := &mess{path: filepath.Join(t.TempDir(), "log"), bad: map[int64]bool{}, random: rand.New(rand.NewPCG(uint64(lines), 7))}
	f, err := os.Create(m.path)
	require.NoError(t, err)
	w, at := bufio.NewWriterSize(f, 1<<20), int64(0)
	put := func(line string) {
		n, err := w.WriteString(line)
		require.NoError(t, err)
		at, m.lines = at+int64(n), m.lines+1
	}
	for i := 0; m.lines < lines; i++ {
		story, events := b.story(i, i, "u"+fmt.Sprint(i))
		for n, line := range story {
			// A refusal and its DETAIL are written at once: nothing comes between them.
			if m.random.IntN(99) == 0 && (n == 0 || !strings.Contains(line, "DETAIL:")) {
				bad, unreadable := m.line(b, i)
				m.bad[at] = unreadable
				put(bad)
			}
			put(line)
		}
		m.want = append(m.want, uint8(events))
	}
	require.NoError(t, w.Flush())
	require.NoError(t, f.Close())
	return m
}

// line makes a bad line, and reports whether nothing of it can be read. Torn anywhere it may well say enough.
func (m *mess) line(b *bulk, i int) (text string, unreadable bool) {
	story, _ := b.story(i, 1<<24+i, secret)
	whole := strings.ReplaceAll(strings.TrimSuffix(story[m.random.IntN(len(story))], "\n"), "\n", " ")
	switch m.random.IntN(6) {
	case 0:
		return whole[:1+m.random.IntN(10)] + "\n", true
	case 1:
		return "\x00\xff\x01\x1b[31m" + secret + "\r\n", true
	case 2:
		return `{"a":` + strings.Repeat("[", 1000) + secret + "\n", true
	case 3:
		return strings.Repeat(secret+" ", 3000) + "\n", true
	case 4:
		return whole[:len(whole)/2] + `"` + secret + "\n", false
	default:
		return whole[:1+m.random.IntN(len(whole)-1)] + "\n", false
	}
}

// read has the source read all of it, and compares.
func (m *mess) read(t testing.TB, b *bulk) {
	t.Helper()
	got, stats := make([]uint8, len(m.want)), &sourcetest.Stats{}
	host := sourcetest.Host(t, &sourcetest.Recorder{}, &sourcetest.Store{}, stats)
	host.Emit = func(_ context.Context, batch []session.Event) error {
		for i := range batch {
			if n := number(batch[i].User); n >= 0 {
				got[n]++
			}
		}
		return nil
	}
	require.NoError(t, newSource(t, b.config(m.path)).Run(t.Context(), host))
	for i := range m.want {
		if m.want[i] != got[i] {
			t.Fatalf("story %d has %d events instead of %d: a good line was lost, or a bad one told as it", i, got[i], m.want[i])
		}
	}
	m.complaints(t, stats.Counts())
}

// complaints must name every line that cannot be read by file and offset, no good one, and no value of any.
func (m *mess) complaints(t testing.TB, counts sourcetest.Counts) {
	t.Helper()
	named := map[int64]bool{}
	for i, place := range counts.Places {
		offset, found := strings.CutPrefix(place, m.path+":")
		require.True(t, found, place)
		var at int64
		_, err := fmt.Sscan(offset, &at)
		require.NoError(t, err)
		require.Contains(t, m.bad, at, "%s: no bad line", place)
		require.False(t, named[at], "%s: named twice", place)
		require.NotContains(t, counts.Reasons[i], secret)
		named[at] = true
	}
	for at, unreadable := range m.bad {
		require.True(t, named[at] || !unreadable, "%s:%d: not named", m.path, at)
	}
	require.Equal(t, len(named), counts.BadRows)
}

// One line in a hundred is torn or hostile: no good line is lost, and each bad one is named by file and offset.
func TestAMessLosesNoGoodLine(t *testing.T) {
	for i := range bulks {
		t.Run(bulks[i].format, func(t *testing.T) {
			newMess(t, &bulks[i], 50_000).read(t, &bulks[i])
		})
	}
}

// BenchmarkMillion is the same of a million lines. One op is all of them.
func BenchmarkMillion(b *testing.B) {
	for i := range bulks {
		b.Run(bulks[i].format, func(b *testing.B) {
			m := newMess(b, &bulks[i], 1_000_000)
			b.ResetTimer()
			for b.Loop() {
				m.read(b, &bulks[i])
			}
			b.ReportMetric(float64(m.lines), "lines")
			b.ReportMetric(float64(len(m.bad)), "bad")
		})
	}
}
