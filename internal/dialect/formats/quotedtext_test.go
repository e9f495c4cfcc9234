package formats_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/quotedtext"
)

func TestQuotedJSON(t *testing.T) {
	for raw, want := range map[string]string{
		"":                          "",
		"plain \xff é":              "plain \xff é",
		`\"\\\/\b\f\n\r\t`:          "\"\\/\b\f\n\r\t",
		`a\u00e9\u00E9b`:            "aééb",
		`\ud83d\ude00 \uD83D\uDE00`: "😀 😀",
		`\ud83d`:                    "\uFFFD",
		`\ud83dx\ude00`:             "\uFFFDx\uFFFD",
		`\ud83d\u0041`:              "\uFFFDA",
	} {
		got, err := quotedtext.AppendJSON([]byte("before "), raw)
		require.NoError(t, err, raw)
		require.Equal(t, "before "+want, string(got), raw)
	}
	for _, broken := range []string{`\`, `\x41`, `\u`, `\u12`, `\u12g4`, `\u+123`, `\v`, "\\\x00"} {
		_, err := quotedtext.AppendJSON(nil, broken)
		require.ErrorIs(t, err, quotedtext.ErrEscape, broken)
	}
}

func TestQuotedJSONEnd(t *testing.T) {
	for text, want := range map[string]int{`"`: 0, `a"b`: 1, `\"`: -1, `\""`: 2, `\\"`: 2, `\\\"x"`: 5, ``: -1} {
		end, escaped := quotedtext.JSONEnd(text, 0)
		require.Equal(t, want, end, text)
		require.Equal(t, want > 0 && text[0] == '\\', escaped, text)
	}
}

func TestQuotedCSV(t *testing.T) {
	for raw, want := range map[string]string{"": "", "a": "a", `a""b""`: `a"b"`, `""""`: `""`, `a"`: `a"`} {
		got, err := quotedtext.AppendCSV(nil, raw)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
}
