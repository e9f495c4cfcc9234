package jsoncolumn

import (
	"strings"
	"testing"

	"github.com/go-faster/jx"
	"github.com/stretchr/testify/require"
)

func TestMalformedJSON(t *testing.T) {
	for _, s := range []string{
		"[", "]", `["a"`, `["a",]`, `["a" "b"]`, `["a"]x`, `[1]`, "[\"a\nb\"]", `["\x"]`, `["\u12"]`, `["\u12zz"]`, `["\`, `{"a":1}`, "null",
	} {
		_, err := Reader{}.Strings(s, nil)
		require.Error(t, err, "%q", s)
	}
	for _, s := range []string{`[["a"]]`, `[["a","b","c"]]`, `["a","b"]`, `[["a","b"]`, `[["a",1]]`} {
		_, err := Reader{}.Settings(s, nil)
		require.Error(t, err, "%q", s)
	}
	for _, s := range []string{`{"a"}`, `{"a":}`, `{"a":01}`, `{"a":tru}`, `{"a":[1}`, `{"a":1`, `{"a":1,}`, `{a:1}`, `[]`, `{"a":1} 2`} {
		_, err := Reader{}.Attributes(s, nil)
		require.Error(t, err, "%q", s)
	}
	for _, s := range []string{`[["a","s"]]`, `[["a","z","b"]]`, `[["a","","b"]]`, `[["a","si","b"]]`} {
		_, err := Reader{}.TypedAttributes(s, nil)
		require.Error(t, err, "%q", s)
	}
}

// Documents are as deep as the store takes, and one value.
func TestIsDocument(t *testing.T) {
	nested := func(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
	for s, want := range map[string]bool{
		nested(maxDepth): true, nested(maxDepth + 1): false, `{"a":[1,"]"]}`: true, `{"a":1}{"b":2}`: false, `{"a":1} `: false, ` {}`: false,
		"": false, `"a"`: false, "1": false, "{]": false, `["\\"]`: true, `[1e5]`: true, "[\"\xff\"]": true,
	} {
		require.Equal(t, want, IsDocument(s, nil), "%q", s)
	}
	require.False(t, IsDocument(`{"a":[{"b":1e5}]}`, func(n jx.Num) bool { return string(n) != "1e5" }))
}

// FuzzParse: what somebody else has written into a column is read or refused.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`["a"]`, `[["a","b"]]`, `{"a":1}`, `{"a":[{"b":"\""}]}`, `["\u00e9\ud83d"]`, strings.Repeat("[", 200)} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		_, _ = Reader{}.Strings(s, nil)
		_, _ = Reader{}.Settings(s, nil)
		attrs, _ := Reader{}.Attributes(s, nil)
		_, _ = Reader{}.TypedAttributes(s, nil)
		ApplyTypeLetters(attrs, s)
	})
}
