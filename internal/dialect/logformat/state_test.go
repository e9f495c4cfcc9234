package logformat_test

import (
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
