package formats_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

type state struct {
	Names []string
	At    int64
}

func TestStateKeepsEveryByte(t *testing.T) {
	for _, name := range []string{"", "alice", "žluťoučký", "\uFFFD", "\x00", "\x00a", "\xff", "a\xc3", "\xed\xa0\x80", "é\xff\x00\n\""} {
		saved := state{[]string{name, "bob"}, 7}
		var got state
		require.NoError(t, logformat.DecodeState(logformat.EncodeState(saved), &got))
		require.Equal(t, saved, got, "%q", name)
	}
	require.NoError(t, logformat.DecodeState(nil, &state{}), "nothing was known")
	require.Error(t, logformat.DecodeState([]byte("{"), &state{}))
}

// A state that is torn, damaged or of a build that wrote JSON is an error that says what to do, or another state: never a panic.
func TestDamagedStateIsAnError(t *testing.T) {
	whole := logformat.EncodeState(state{[]string{"alice", "bob"}, 7})
	for n := 1; n < len(whole); n++ {
		require.ErrorContains(t, logformat.DecodeState(whole[:n], &state{}), "delete the receiver's storage", n)
	}
	for i := range whole {
		for _, bit := range []byte{1, 2, 4, 8, 16, 32, 64, 128, 255} {
			damaged := bytes.Clone(whole)
			damaged[i] ^= bit
			require.NotPanics(t, func() { _ = logformat.DecodeState(damaged, &state{}) })
		}
	}
	require.ErrorContains(t, logformat.DecodeState([]byte(`{"before":1795298598}`), &state{}), "of another build")
}
