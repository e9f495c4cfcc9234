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
	for i, d := range allDialects {
		sample, err := os.ReadFile(filepath.Join("testdata", d.Name+".json"))
		require.NoError(f, err)
		f.Add(uint8(i), false, sample)
	}
	f.Add(uint8(0), true, []byte(nativeEvent("")+"\n"+nativeEvent(`,"a":{}`)))
	f.Fuzz(func(t *testing.T, dialect uint8, lines bool, body []byte) {
		framing := FramingDocument
		if lines {
			framing = FramingLines
		}
		d, sink := allDialects[int(dialect)%len(allDialects)], &recordingSink{}
		require.NoError(t, new(Reader).Read(d, framing, body, testOrigin, sink))
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
