package sqlite

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

func TestJSON(t *testing.T) {
	var b rowBinder
	require.Empty(t, b.columns.Strings(nil))
	require.Empty(t, b.columns.Settings(nil))
	require.Empty(t, b.columns.Attributes(nil, jsoncolumn.IsNative))
	require.Equal(t, "[\"a\",\"\\\"\\\\\\n\\r\\t\\u0000\\u001b\x7fü\"]", string(b.columns.Strings([]string{"a", "\"\\\n\r\t\x00\x1b\x7fü"})))
	require.Equal(t, `[["max_threads","2"],["","x"]]`, string(b.columns.Settings([]session.Setting{{Name: "max_threads", Value: "2"}, {Value: "x"}})))

	attrs := []session.Attr{
		{Key: "s", Value: "1500"},
		{Key: "i", Value: "3", Type: session.AttrInt},
		{Key: "d", Value: "0.5", Type: session.AttrDouble},
		{Key: "b", Value: "true", Type: session.AttrBool},
		{Key: "j", Value: `{"n":[1]}`, Type: session.AttrJSON},
		{Key: "e", Type: session.AttrEmpty},
	}
	require.Equal(t, `{"s":"1500","i":3,"d":0.5,"b":true,"j":{"n":[1]},"e":null}`, string(b.columns.Attributes(attrs, jsoncolumn.IsNative)))
	require.Empty(t, b.attributeTypes(attrs))
	odd := []session.Attr{{Key: "y", Value: "AP8=", Type: session.AttrBytes}, {Key: "s", Value: "x"}, {Key: "d", Value: "3", Type: session.AttrDouble}}
	require.Equal(t, `{"y":"AP8=","s":"x","d":"3"}`, string(b.columns.Attributes(odd, jsoncolumn.IsNative)))
	require.Equal(t, `y-d`, string(b.attributeTypes(odd)))
}

// FuzzAttributes: every attribute comes back, whatever its text, and the column is JSON for everybody else.
func FuzzAttributes(f *testing.F) {
	for t := range 7 {
		for _, v := range []string{"", "x", "3", "-0", "1e5", "0.10", "NaN", "true", "null", `"q"`, `{"a":[1,"]"]}`, `{"a":1}{"b":2}`, "{]", "\xff", "\x00", "[\"\xff\"]"} {
			f.Add("key", v, uint8(t))
			f.Add(v, v, uint8(t))
		}
	}
	f.Fuzz(func(t *testing.T, key, value string, kind uint8) {
		want := []session.Attr{{Key: key, Value: value, Type: session.AttrType(kind % 7)}, {Key: "after", Value: "it"}}
		var b rowBinder
		text := string(b.columns.Attributes(want, jsoncolumn.IsNative))
		got, err := jsoncolumn.Reader{}.Attributes(text, nil)
		require.NoError(t, err, text)
		jsoncolumn.ApplyTypeLetters(got, string(b.attributeTypes(want)))
		require.Equal(t, want, got, text)
		if utf8.ValidString(text) {
			require.True(t, json.Valid([]byte(text)), text)
		}
	})
}
