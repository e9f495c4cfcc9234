package verify

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/session"
)

// TestEntriesAreCutInHalf where ids that do not begin with a time would have a stretch hold all of them: none is lost, and each part ends where the next begins.
func TestEntriesAreCutInHalf(t *testing.T) {
	entry := func(n byte) sealedEntry { return sealedEntry{Entry: seal.Entry{ID: session.ID{0: n}}} }
	var low session.ID
	all := stretchEntries{reached: session.ID{0: 0xff}}
	for n := range 100 {
		all.events = append(all.events, entry(byte(n*37%100)))
		all.conflicts = append(all.conflicts, entry(byte(n%5)), entry(77))
	}
	all.cutInHalf(low)
	require.Equal(t, session.ID{0: 77}, nextID(all.reached), "the middle of the longer list")
	require.Len(t, all.events, 77)
	require.Len(t, all.conflicts, 100)
	all.cutInHalf(low)
	all.cutInHalf(low)
	require.Less(t, len(all.events)+len(all.conflicts), 60)

	one := stretchEntries{events: []sealedEntry{entry(9), entry(9)}, reached: session.ID{0: 9}}
	one.cutInHalf(session.ID{0: 9})
	require.Len(t, one.events, 2, "versions of one id stay together")
}

// TestAnErasureIsOfWhatWasThere: a key that was stolen and has left erases nothing that was sealed since, whatever time it signs.
func TestAnErasureIsOfWhatWasThere(t *testing.T) {
	at := time.Unix(1_790_000_000, 0)
	log := &logHistory{}
	stated := &sealedRange{sealed: at, erasure: &statedErasure{boundStatement: boundStatement{aboutLogs: []*logHistory{log}, untilPages: []uint64{7}}}}
	v := &tableVerifier{erased: erasedRecords{{1}: {stated}}}
	missing := func(first uint64, sealed time.Time) {
		r := &sealedRange{log: log, first: first, sealed: sealed, trusted: true}
		v.noteMissing(&sealedEntry{Entry: seal.Entry{Kind: seal.KindEvent, ID: session.ID{1}}, from: &stretchSeal{sealedRange: r}}, "session_events", false)
	}
	missing(7, at.Add(-time.Hour))
	missing(8, at.Add(time.Minute))
	require.Empty(t, v.missing, "it had no seal yet")
	missing(6, at.AddDate(1, 0, 0))
	require.Empty(t, v.missing, "a clock was ahead when it was sealed")
	require.Equal(t, 3, v.summary.Erased)
	missing(7, at.Add(2*time.Hour))
	require.Len(t, v.missing, 1)
}

// TestAKeptHeadIsOpenedWhereItMayBe: of a month of heads and of seals, each of one would be opened with each of the other.
func TestAKeptHeadIsOpenedWhereItMayBe(t *testing.T) {
	c := keptHead{text: "audit/a\n7\nroot"}
	require.True(t, c.isOpenedAt("audit/a", 1, 3), "nobody knows yet what it is")
	require.False(t, c.isOpenedAt("audit/b", 1, 3))
	require.False(t, c.isOpenedAt("audit", 1, 3))
	c.tried = 1
	require.False(t, c.isOpenedAt("audit/a", 1, 7))
	require.True(t, c.isOpenedAt("audit/a", 2, 4), "another key has come")
	c.log, c.size = "audit/a", 7
	require.False(t, c.isOpenedAt("audit/a", 2, 4))
	require.True(t, c.isOpenedAt("audit/a", 2, 7))
}
