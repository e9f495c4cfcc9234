package jsontree

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-faster/jx"
	"github.com/stretchr/testify/require"
)

func parseText(text string) (Value, error, error) {
	var dec jx.Decoder
	return new(Doc).ParseText(&dec, []byte(text))
}

func parseValid(t *testing.T, text string) Value {
	t.Helper()
	v, flaw, broken := parseText(text)
	require.NoError(t, broken)
	require.NoError(t, flaw)
	return v
}

func TestPathsLeadToTheirValues(t *testing.T) {
	v := parseValid(t, ` {"a":{"b":[1,"two",true,null,{"c":"d\u00e9\n"}]},"n":-1.5e3,"":"empty","i":"42"} `)
	require.Equal(t, "empty", v.Text(""))
	require.Equal(t, "-1.5e3", v.Text("n"))
	require.Equal(t, Missing, v.Get("a", "b", "c").Kind(), "an array has no members")
	require.Equal(t, Missing, v.Get("x", "y").Kind())
	var texts []string
	for e := range v.Get("a", "b").Elements() {
		texts = append(texts, e.Str()+e.Text("c"))
	}
	require.Equal(t, []string{"1", "two", "true", "", "dé\n"}, texts)
	n, ok := v.Get("i").Int()
	require.True(t, ok)
	require.EqualValues(t, 42, n)
	_, ok = v.Get("n").Int()
	require.False(t, ok)
	require.JSONEq(t, `{"b":[1,"two",true,null,{"c":"d\u00e9\n"}]}`, v.Get("a").JSON())
}

func TestWhatNobodyTookIsTheRest(t *testing.T) {
	v := parseValid(t, `{"user":{"name":"alice","mail":"a@b"},"roles":["x"],"none":null,"empty":{},"n":1,"deep":{"er":{"est":true}}}`)
	require.Equal(t, "alice", v.Text("user", "name"))
	v.Get("deep", "er").MarkUsed()
	var rest []string
	v.Rest("f.", func(path string, value Value) { rest = append(rest, path+"="+value.JSON()) })
	require.Equal(t, []string{`f.user.mail="a@b"`, `f.roles=["x"]`, `f.n=1`}, rest)
}

// TestALongPathIsNotRepeated: an object behind it is told whole, however much is in it.
func TestALongPathIsNotRepeated(t *testing.T) {
	long, values := strings.Repeat("k", 32<<10), ""
	for i := range 900 {
		values += fmt.Sprintf(`"a%d":{"b":1},`, i)
	}
	v := parseValid(t, `{"`+long+`":{`+values+`"z":1},"short":{"er":1}}`)
	told, bytes := 0, 0
	v.Rest("f.", func(path string, value Value) {
		told++
		bytes += len(path) + len(value.JSON())
	})
	require.Equal(t, 2, told)
	require.Less(t, bytes, 64<<10)
}

func TestHostileItemsAreRefusedForOneReason(t *testing.T) {
	many := func(n int, format string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = fmt.Sprintf(format, i)
		}
		return strings.Join(parts, ",")
	}
	for _, c := range []struct {
		name, text string
		flaw       error
	}{
		{"a key twice", `{"a":1,"b":2,"a":3}`, ErrRepeat},
		{"a key twice, once escaped", `{"user":1,"\u0075ser":3}`, ErrRepeat},
		{"a key twice, deep down", `{"x":[{"a":1,"a":1}]}`, ErrRepeat},
		{"a key twice, far apart", "{" + many(100, `"k%d":1`) + `,"k7":1}`, ErrRepeat},
		{"a key twice, the last two", "{" + many(32, `"k%d":1`) + `,"x":1,"x":2}`, ErrRepeat},
		{"the same keys in two large objects", "[{" + many(100, `"k%d":1`) + "},{" + many(100, `"k%d":1`) + "}]", nil},
		{"the same keys in large objects, one within the other", "{" + many(100, `"k%d":1`) + `,"in":{` + many(100, `"k%d":1`) + "}," + many(100, `"l%d":1`) + "}", nil},
		{"a key twice, around a large object", "{" + many(100, `"k%d":1`) + `,"in":{` + many(100, `"l%d":1`) + `},"k99":1}`, ErrRepeat},
		{"the same key in two objects", `{"a":{"a":1},"b":{"a":1}}`, nil},
		{"as deep as allowed", strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth), nil},
		{"too deep", strings.Repeat(`{"a":`, MaxDepth+1) + "1" + strings.Repeat("}", MaxDepth+1), ErrDepth},
		{"a bomb of brackets", strings.Repeat("[", 9000) + strings.Repeat("]", 9000), ErrDepth},
		{"too many members", "{" + many(MaxMembers+1, `"k%d":1`) + "}", ErrMembers},
		{"many members", "{" + many(MaxMembers, `"k%d":1`) + "}", nil},
		{"too many values", "[" + many(MaxValues, "%d") + "]", ErrValues},
		{"bytes that are not UTF-8", "{\"a\":\"\xff\"}", ErrUTF8},
		{"a key that is not UTF-8", "{\"\xc3\":1}", ErrUTF8},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, flaw, broken := parseText(c.text)
			require.NoError(t, broken)
			require.ErrorIs(t, flaw, c.flaw)
		})
	}
}

func TestWhatIsNoJSONIsBroken(t *testing.T) {
	for _, text := range []string{
		``, ` `, `{`, `{"a"`, `{"a":}`, `[1,]`, `{"a":1,}`, `{'a':1}`, `01`, `1 2`, `{"a":1}}`, `{"a":1} x`, `nul`, `tru`, `"a`, "\"\n\"", `"\x"`, `[1 2]`,
		strings.Repeat("[", 20_000),
	} {
		_, _, broken := parseText(text)
		require.Error(t, broken, "%.20q", text)
	}
}

// A flaw in one element of an array leaves the decoder behind it, so that the next element can be read.
func TestAFlawDoesNotHideTheNeighbours(t *testing.T) {
	dec := jx.DecodeStr(`[{"a":1,"a":2,"b":[{"c":1}]},{"a":3}]`)
	it, err := dec.ArrIter()
	require.NoError(t, err)
	doc := &Doc{}
	require.True(t, it.Next())
	_, flaw, broken := doc.Parse(dec)
	require.NoError(t, broken)
	require.ErrorIs(t, flaw, ErrRepeat)
	require.True(t, it.Next())
	v, flaw, broken := doc.Parse(dec)
	require.NoError(t, broken)
	require.NoError(t, flaw)
	require.Equal(t, "3", v.Text("a"))
	require.False(t, it.Next())
	require.NoError(t, it.Err())
}
