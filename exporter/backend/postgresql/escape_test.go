package postgresql

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// TestAllocations: a row costs none.
func TestAllocations(t *testing.T) {
	var b copyBatch
	hash := backend.NewContentHash()
	for _, n := range []int{0, 1, 18} { // a login, a logout, a failure
		var e session.Event
		sessiontest.Typical(&e, n)
		e.Extra = []session.Attr{{Key: "b", Value: "1", Type: session.AttrInt}, {Key: "a", Value: "x\x00"}}
		b.appendRow(0, &e, hash)
		b.widenColumns()
		require.Zero(t, testing.AllocsPerRun(100, func() {
			b.truncateBuffer()
			if reason, isWider := b.appendRow(0, &e, hash); reason != "" || isWider {
				t.Error(reason)
			}
		}), "event %d", n)
	}
}

// TestColumnsWithoutAValueAreNotCopied: a COPY has the columns that its rows have values in; a row with others begins another one.
func TestColumnsWithoutAValueAreNotCopied(t *testing.T) {
	var b copyBatch
	hash := backend.NewContentHash()
	e := session.Event{Kind: session.KindLogin, Time: 1, RecordID: session.ID{1}}
	_, isWider := b.appendRow(0, &e, hash)
	require.True(t, isWider)
	require.Zero(t, b.bufferedBytes(), "the row waits for its COPY")
	b.widenColumns()
	_, isWider = b.appendRow(0, &e, hash)
	require.False(t, isWider)
	require.Equal(t, "COPY t (kind, outcome, time, time_ns, record_id, content_hash) FROM STDIN (FORMAT binary)", b.copyInto("t"))
	require.EqualValues(t, 6, binary.BigEndian.Uint16(b.buf))
	before := b.bufferedBytes()
	e.User = "ada"
	_, isWider = b.appendRow(0, &e, hash)
	require.True(t, isWider)
	require.Equal(t, before, b.bufferedBytes())
	b.widenColumns()
	require.Contains(t, b.copyInto("t"), " user_name, record_id, ")
}

func TestEscape(t *testing.T) {
	for _, c := range []struct{ in, stored string }{
		{"", ""},
		{"plain", "plain"},
		{"ünicode 🔑", "ünicode 🔑"},
		{`a\b'c`, `a\b'c`},
		{"nul\x00", "nul\U0010FE00"},
		{"\xff\xfe", "\U0010FEFF\U0010FEFE"},
		{"\xed\xa0\x80", "\U0010FEED\U0010FEA0\U0010FE80"},
		{"\ufffd", "\ufffd"},
		{"\U0010FE00", "\U0010FEF4\U0010FE8F\U0010FEB8\U0010FE80"},
		{"\U0010FDFF\U0010FF00", "\U0010FDFF\U0010FF00"},
	} {
		require.Equal(t, c.stored, string(appendStorable(nil, c.in)), "%q", c.in)
		require.Equal(t, c.in, restoreText(c.stored))
	}
}

// FuzzEscape: every text is stored as UTF-8 without NUL, and comes back.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "a\x00b", "\xff", "\U0010FE00", "\xf4\x8f\xb8", "🔑"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		stored := string(appendStorable(nil, s))
		require.True(t, utf8.ValidString(stored))
		require.NotContains(t, stored, "\x00")
		require.Equal(t, s, restoreText(stored))
		if isStorable(s) {
			require.Equal(t, s, stored)
		}
	})
}

// TestNegativeZero: numeric has none, so jsonb would give back another text.
func TestNegativeZero(t *testing.T) {
	for _, a := range []session.Attr{{Key: "i", Value: "-0", Type: session.AttrInt}, {Key: "d", Value: "-0.0", Type: session.AttrDouble}} {
		require.NotEmpty(t, new(jsonColumns).exactAttributesColumn([]session.Attr{a}), a.Value)
	}
}

// FuzzAttributes: what jsonColumns writes, row reads back, whatever keys, types and texts there are.
func FuzzAttributes(f *testing.F) {
	f.Add("key", "value", uint8(0), "key", "1.50", uint8(2))
	f.Add("a", `{"b":[1]}`, uint8(5), "", "\x00", uint8(0))
	f.Add("n", "-0", uint8(1), "n", "1e5", uint8(1))
	f.Add("a", "0."+strings.Repeat("1", 399), uint8(2), "b", strings.Repeat("9", 401), uint8(1))
	f.Fuzz(func(t *testing.T, k1, v1 string, t1 uint8, k2, v2 string, t2 uint8) {
		attrs := []session.Attr{
			{Key: k1, Value: v1, Type: session.AttrType(t1 % 7)},
			{Key: k2, Value: v2, Type: session.AttrType(t2 % 7)},
		}
		var j jsonColumns
		attributes := string(j.attributesColumn(attrs))
		exact := string(j.exactAttributesColumn(attrs))
		var got session.Event
		var err error
		got.Extra, err = readColumns.Attributes(attributes, nil)
		require.NoError(t, err, attributes)
		require.NoError(t, readExactAttributes(&got, exact, exact == ""), exact)
		require.ElementsMatch(t, attrs, got.Extra)
	})
}
