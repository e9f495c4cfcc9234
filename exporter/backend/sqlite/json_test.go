package sqlite

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

func TestJSON(t *testing.T) {
	require.Empty(t, appendList(nil, nil))
	require.Empty(t, appendSettings(nil, nil))
	require.Empty(t, appendAttributes(nil, nil))
	require.Equal(t, `["a","\"\\\n\r\t\u0000\u001b\u007fü"]`, string(appendList(nil, []string{"a", "\"\\\n\r\t\x00\x1b\x7fü"})))
	require.Equal(t, `[["max_threads","2"],["","x"]]`, string(appendSettings(nil, []session.Setting{{Name: "max_threads", Value: "2"}, {Value: "x"}})))

	attrs := []session.Attr{
		{Key: "s", Value: "1500"},
		{Key: "i", Value: "3", Type: session.AttrInt},
		{Key: "d", Value: "0.5", Type: session.AttrDouble},
		{Key: "b", Value: "true", Type: session.AttrBool},
		{Key: "j", Value: `{"n":[1]}`, Type: session.AttrJSON},
		{Key: "e", Type: session.AttrEmpty},
	}
	require.Equal(t, `{"s":"1500","i":3,"d":0.5,"b":true,"j":{"n":[1]},"e":null}`, string(appendAttributes(nil, attrs)))
	require.Empty(t, appendTypes(nil, attrs))
	odd := []session.Attr{{Key: "y", Value: "AP8=", Type: session.AttrBytes}, {Key: "s", Value: "x"}, {Key: "d", Value: "3", Type: session.AttrDouble}}
	require.Equal(t, `{"y":"AP8=","s":"x","d":"3"}`, string(appendAttributes(nil, odd)))
	require.Equal(t, `y-d`, string(appendTypes(nil, odd)))
}

func TestMalformedJSON(t *testing.T) {
	for _, s := range []string{
		"[", "]", `["a"`, `["a",]`, `["a" "b"]`, `["a"]x`, `[1]`, "[\"a\nb\"]", `["\x"]`, `["\u12"]`, `["\u12zz"]`, `["\`, `{"a":1}`, "null",
	} {
		_, ok := parseList(s, nil)
		require.False(t, ok, "%q", s)
	}
	for _, s := range []string{`[["a"]]`, `[["a","b","c"]]`, `["a","b"]`, `[["a","b"]`, `[["a",1]]`} {
		_, ok := parseSettings(s, nil)
		require.False(t, ok, "%q", s)
	}
	for _, s := range []string{`{"a"}`, `{"a":}`, `{"a":01}`, `{"a":tru}`, `{"a":[1}`, `{"a":1`, `{"a":1,}`, `{a:1}`, `[]`, `{"a":1} 2`} {
		_, ok := parseAttributes(s, nil)
		require.False(t, ok, "%q", s)
	}
}

// FuzzAttributes: every attribute comes back, whatever its text, and the column is JSON for everybody else.
func FuzzAttributes(f *testing.F) {
	for t := range len(typeLetters) {
		for _, v := range []string{"", "x", "3", "-0", "1e5", "0.10", "NaN", "true", "null", `"q"`, `{"a":[1,"]"]}`, `{"a":1}{"b":2}`, "{]", "\xff", "\x00", "[\"\xff\"]"} {
			f.Add("key", v, uint8(t))
			f.Add(v, v, uint8(t))
		}
	}
	f.Fuzz(func(t *testing.T, key, value string, kind uint8) {
		want := []session.Attr{{Key: key, Value: value, Type: session.AttrType(kind % uint8(len(typeLetters)))}, {Key: "after", Value: "it"}}
		text := string(appendAttributes(nil, want))
		got, ok := parseAttributes(text, nil)
		require.True(t, ok, text)
		applyTypes(got, string(appendTypes(nil, want)))
		require.Equal(t, want, got, text)
		if utf8.ValidString(text) {
			require.True(t, json.Valid([]byte(text)), text)
		}
	})
}

// FuzzParse: what somebody else has written into a column is read or refused.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`["a"]`, `[["a","b"]]`, `{"a":1}`, `{"a":[{"b":"\""}]}`, `["\u00e9\ud83d"]`, strings.Repeat("[", 200)} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		_, _ = parseList(s, nil)
		_, _ = parseSettings(s, nil)
		attrs, _ := parseAttributes(s, nil)
		applyTypes(attrs, s)
	})
}
