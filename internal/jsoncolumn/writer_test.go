package jsoncolumn

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestALargeColumnHoldsNoMemory: every connection of every store has a writer.
func TestALargeColumnHoldsNoMemory(t *testing.T) {
	w := Writer{AppendText: func(b []byte, s string) []byte { return append(b, s...) }}
	require.Len(t, w.Strings([]string{strings.Repeat("x", 8<<20)}), 8<<20+4)
	require.Empty(t, w.Settings(nil))
	require.LessOrEqual(t, cap(w.json.Bytes()), maxIdleBuffer)
	require.LessOrEqual(t, cap(w.text), maxIdleBuffer)
	require.JSONEq(t, `["a"]`, string(w.Strings([]string{"a"})))
}
