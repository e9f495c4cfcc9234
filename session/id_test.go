package session

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestIDTextIsAUUID(t *testing.T) {
	var h Hasher
	id := h.Start("record", "clickhouse", "warehouse").Str("x").RecordID(1_795_000_000_123_456_789)
	u, err := uuid.Parse(id.String())
	require.NoError(t, err)
	require.Equal(t, uuid.Version(8), u.Version())
	require.Equal(t, uuid.RFC4122, u.Variant())
	back, ok := ParseID(id.String())
	require.True(t, ok)
	require.Equal(t, id, back)
	require.Equal(t, ID(u), back)
}

func TestParseIDRefusesWhatIsNoUUID(t *testing.T) {
	for _, s := range []string{
		"", "x", "00000000-0000-0000-0000-00000000000", "00000000-0000-0000-0000-0000000000000", "0000000000000000-0000-0000-00000000",
		"g0000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-00000000000é", "00000000-0000-0000-0000 000000000000", "{0000000-0000-0000-0000-00000000000}",
	} {
		_, ok := ParseID(s)
		require.False(t, ok, s)
	}
	upper, ok := ParseID("94D22223-5D67-41EF-A59E-48C95812A97B")
	require.True(t, ok)
	require.Equal(t, "94d22223-5d67-41ef-a59e-48c95812a97b", upper.String())
}

// TestParseIDTakesEveryDigit tries every byte in every place against the plain definition of a hexadecimal digit.
func TestParseIDTakesEveryDigit(t *testing.T) {
	const text = "94d22223-5d67-41ef-a59e-48c95812a97b"
	for i := range text {
		for c := range 256 {
			b := []byte(text)
			b[i] = byte(c)
			want, err := uuid.ParseBytes(b)
			got, ok := ParseID(string(b))
			require.Equal(t, err == nil, ok, "%q", b)
			if ok {
				require.Equal(t, ID(want), got, "%q", b)
			}
		}
	}
}

// TestIDsNeverChange: an id that changed with a version of ours would tell every event twice after an upgrade.
func TestIDsNeverChange(t *testing.T) {
	var h Hasher
	h.Start("record", "clickhouse", "warehouse").Str("ch-0").Bytes([]byte{1, 2, 3}).Int(-1)
	require.Equal(t, "01a1ee56-5e7b-88e0-b585-01fc9a9fe049", h.RecordID(1_795_000_000_123_456_789).String())
	require.Equal(t, "00000000-0000", h.RecordID(-5).String()[:13])
}

func TestRecordIDsAreInTheOrderOfTime(t *testing.T) {
	var h Hasher
	before := ""
	for ms := range int64(1000) {
		id := h.Start("record", "s", "i").Int(ms).RecordID(1_700_000_000_000_000_000 + ms*1_000_000).String()
		require.Greater(t, id, before)
		before = id
	}
}

func TestPartsDoNotRunTogether(t *testing.T) {
	var h Hasher
	seen := map[ID][]string{}
	for _, parts := range [][]string{{"ab", "c"}, {"a", "bc"}, {"abc"}, {"", "abc"}, {"abc", ""}, {"\x02ab", "c"}} {
		h.Start("record", "s", "i")
		for _, p := range parts {
			h.Str(p)
		}
		require.Nil(t, seen[h.Key()], "%q", parts)
		seen[h.Key()] = parts
	}
	require.NotEqual(t, h.Start("a", "b", "c").Key(), h.Start("a", "bc", "").Key())
}

func TestOrdinalsCountEqualIdentitiesOfOneTimestamp(t *testing.T) {
	var o Ordinals
	a, b := ID{1}, ID{2}
	for _, c := range []struct {
		time int64
		id   ID
		want int64
	}{{1, a, 0}, {1, a, 1}, {1, b, 0}, {1, a, 2}, {2, a, 0}, {2, a, 1}, {0, a, 0}} {
		require.Equal(t, c.want, o.Next(c.time, c.id))
	}
}

func TestHasherDoesNotAllocate(t *testing.T) {
	var h Hasher
	h.Start("record", "clickhouse", "warehouse")
	require.Zero(t, testing.AllocsPerRun(100, func() { h.Start("record", "clickhouse", "warehouse").Str("host").RecordID(1) }))
}
