package logformat_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

func TestPortableTexts(t *testing.T) {
	for _, s := range []string{"", "alice", "žluťoučký", "\uFFFD", "\x00", "\x00a", "\xff", "a\xc3", "\xed\xa0\x80", "é\xff\x00\n\""} {
		text, err := json.Marshal(logformat.Portable(s))
		require.NoError(t, err)
		var back string
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, s, logformat.Verbatim(back), "%q", s)
		if utf8.ValidString(s) && s != "\x00" && s != "\x00a" {
			require.Equal(t, s, back, "%q: what needs no change has none, so that cursors of before are read", s)
		}
	}
}
