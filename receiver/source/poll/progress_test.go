package poll

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
)

// filledProgress is a progress with some of everything, and what is stored of it.
func filledProgress(t *testing.T, store *sourcetest.Store) *readProgress {
	t.Helper()
	p, found, err := loadProgress(t.Context(), store, "p/")
	require.NoError(t, err)
	require.False(t, found)
	p.start = -5 * DayMicros
	changes := map[string][]byte{}
	p.commitRows([]deliveredRow{{7 * MinuteMicros, 70}, {7 * MinuteMicros, 30}, {-8 * MinuteMicros, 80}, {7 * MinuteMicros, 50}}, changes)
	p.commitEntries([]logEntry{
		{start: 7 * MinuteMicros, Tally: Tally{3, 1 << 63}},
		{start: -8 * MinuteMicros, Tally: Tally{1, 2}},
		{start: -3 * DayMicros, Tally: Tally{5, 6}},
		{kind: dayFinished, start: -3 * DayMicros},
		{kind: dayReplaced, start: 9 * DayMicros, Tally: Tally{4, 4}},
		{kind: pollFinished, start: 12_345},
	}, changes)
	require.NoError(t, store.SetAll(t.Context(), changes))
	return p
}

func TestWhatIsStoredIsLoadedAgain(t *testing.T) {
	store := &sourcetest.Store{}
	want := filledProgress(t, store)
	got, found, err := loadProgress(t.Context(), store, "p/")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, want.start, got.start)
	require.EqualValues(t, 12_345, got.cursor)
	require.True(t, got.complete)
	require.Equal(t, []uint64{30, 50, 70}, got.deliveredIDs(7*MinuteMicros))
	require.Equal(t, []uint64{80}, got.deliveredIDs(-8*MinuteMicros))
	require.Equal(t, want.dayStarts(), got.dayStarts())
	for _, day := range want.dayStarts() {
		require.Equal(t, want.dayTally(day), got.dayTally(day))
		require.Equal(t, want.isCompacted(day), got.isCompacted(day))
		require.Equal(t, want.minuteTallies(TimeRange{day, day + DayMicros}), got.minuteTallies(TimeRange{day, day + DayMicros}))
	}
	require.True(t, got.isCompacted(-3*DayMicros))

	changes := map[string][]byte{}
	got.commitEntries([]logEntry{{kind: idsExpired, start: 8 * MinuteMicros}, {kind: pollFinished, start: 1}}, changes)
	require.NoError(t, store.SetAll(t.Context(), changes))
	again, _, err := loadProgress(t.Context(), store, "p/")
	require.NoError(t, err)
	require.Empty(t, again.ids)
	chunk, err := store.Get(t.Context(), storeKeys("p/").idChunk(7*MinuteMicros, 0))
	require.NoError(t, err)
	require.Nil(t, chunk)

	other, found, err := loadProgress(t.Context(), store, "q/")
	require.NoError(t, err)
	require.False(t, found)
	require.Empty(t, other.dayStarts())
}

// A value that was cut short is refused by name, or says less than the whole: never more.
func TestACutValueNeverPasses(t *testing.T) {
	whole := &sourcetest.Store{}
	filledProgress(t, whole)
	for _, key := range []string{"p/cursor", "p/days", "p/minutes/0", "p/minutes/-1"} {
		value, err := whole.Get(t.Context(), key)
		require.NoError(t, err)
		require.NotEmpty(t, value, key)
		for n := 1; n < len(value); n++ {
			cut := whole.Fork()
			require.NoError(t, cut.Set(t.Context(), key, value[:n]))
			_, _, err := loadProgress(t.Context(), cut, "p/")
			require.ErrorIs(t, err, errUnreadable, "%s cut to %d of %d bytes", key, n, len(value))
		}
	}
}

func TestIdentityIsKeptApart(t *testing.T) {
	seen := map[storeKeys]bool{}
	for _, identity := range [][]string{{"a", "b"}, {"ab", ""}, {"", "ab"}, {"a", "b", ""}, {"b", "a"}} {
		seen[newStoreKeys(identity)] = true
	}
	require.Len(t, seen, 5)
}

func TestMergeSorted(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		a, b := make([]uint64, r.IntN(20)), make([]uint64, r.IntN(20))
		for i := range a {
			a[i] = r.Uint64N(30)
		}
		for i := range b {
			b[i] = r.Uint64N(30)
		}
		slices.Sort(a)
		want := slices.Sorted(slices.Values(slices.Concat(a, b)))
		require.Equal(t, len(want), len(mergeSorted(a, b)))
		require.True(t, slices.Equal(want, mergeSorted(slices.Clone(a), slices.Clone(b))))
	}
}

func TestFloor(t *testing.T) {
	f := func(at, want int64) {
		t.Helper()
		require.Equal(t, want, floorToWidth(at, MinuteMicros))
	}
	f(0, 0)
	f(MinuteMicros-1, 0)
	f(MinuteMicros, MinuteMicros)
	f(-1, -MinuteMicros)
	f(-MinuteMicros, -MinuteMicros)
	f(-MinuteMicros-1, -2*MinuteMicros)
}
