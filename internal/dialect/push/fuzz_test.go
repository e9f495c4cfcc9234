package push

import (
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

// FuzzRead feeds any bytes to any dialect: no panic, each item has one fate, and what is kept has what an event must have.
func FuzzRead(f *testing.F) {
	for i, d := range dialects {
		sample, err := os.ReadFile(filepath.Join("testdata", d.Name+".json"))
		require.NoError(f, err)
		f.Add(uint8(i), false, sample)
	}
	f.Add(uint8(0), true, []byte(own("")+"\n"+own(`,"a":{}`)))
	f.Fuzz(func(t *testing.T, dialect uint8, lines bool, body []byte) {
		framing := Document
		if lines {
			framing = Lines
		}
		d, sink := dialects[int(dialect)%len(dialects)], &told{}
		require.NoError(t, new(Reader).Read(d, framing, body, origin, sink))
		fates := map[int]bool{}
		for _, i := range append(append([]int{}, sink.kept...), sink.other...) {
			require.False(t, fates[i])
			fates[i] = true
		}
		for i := range sink.bad {
			require.False(t, fates[i])
			fates[i] = true
		}
		for i := range len(fates) {
			require.True(t, fates[i], "item %d of %d has no fate", i, len(fates))
		}
		for _, e := range sink.events {
			require.NotEqual(t, session.KindUnknown, e.Kind)
			require.Positive(t, e.Time)
			require.True(t, utf8.ValidString(e.User))
			require.False(t, e.RecordID.IsZero())
		}
	})
}
