package poll

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
)

// filled is a state with some of everything, stored.
func filled(t *testing.T, store *sourcetest.Store) *state {
	t.Helper()
	s, found, err := load(t.Context(), store, "p/")
	require.NoError(t, err)
	require.False(t, found)
	s.start, s.cursor, s.polled = -5*Day, 12_345, true
	pg := &page{
		told: []deliveredRow{{7 * Minute, 70}, {7 * Minute, 30}, {-8 * Minute, 80}, {7 * Minute, 50}},
		done: []entry{
			{start: 7 * Minute, Tally: Tally{3, 1 << 63}},
			{start: -8 * Minute, Tally: Tally{1, 2}},
			{start: -3 * Day, Tally: Tally{5, 6}},
			{kind: dayDone, start: -3 * Day},
			{kind: dayTotal, start: 9 * Day, Tally: Tally{4, 4}},
		},
	}
	require.NoError(t, s.save(t.Context(), pg))
	require.NoError(t, s.saveCursor(t.Context()))
	return s
}

func TestWhatIsStoredIsLoadedAgain(t *testing.T) {
	store := &sourcetest.Store{}
	want := filled(t, store)
	got, found, err := load(t.Context(), store, "p/")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, want.start, got.start)
	require.Equal(t, want.cursor, got.cursor)
	require.Equal(t, want.polled, got.polled)
	require.Equal(t, want.listed, got.listed)
	require.Equal(t, []uint64{30, 50, 70}, got.known(7*Minute))
	require.Equal(t, []uint64{80}, got.known(-8*Minute))
	require.Equal(t, want.starts(), got.starts())
	for _, start := range want.starts() {
		require.Equal(t, want.ofDay(start), got.ofDay(start))
		require.Equal(t, want.isFolded(start), got.isFolded(start))
		require.Equal(t, want.ofMinutes(Range{start, start + Day}, map[int64]Tally{}), got.ofMinutes(Range{start, start + Day}, map[int64]Tally{}))
	}
	require.True(t, got.isFolded(-3*Day))

	require.NoError(t, got.forgetIDs(t.Context(), 8*Minute))
	require.NoError(t, got.saveCursor(t.Context()))
	again, _, err := load(t.Context(), store, "p/")
	require.NoError(t, err)
	require.Nil(t, again.known(7*Minute))
	require.Empty(t, again.listed)

	other, found, err := load(t.Context(), store, "q/")
	require.NoError(t, err)
	require.False(t, found)
	require.Empty(t, other.starts())
}

// A value that was cut short is refused by name, or says less than the whole: never more.
func TestACutValueNeverPasses(t *testing.T) {
	whole := &sourcetest.Store{}
	filled(t, whole)
	for _, key := range []string{"p/cursor", "p/days", "p/minutes/0", "p/minutes/-1"} {
		value, err := whole.Get(t.Context(), key)
		require.NoError(t, err)
		require.NotEmpty(t, value, key)
		for n := 1; n < len(value); n++ {
			cut := whole.Fork()
			require.NoError(t, cut.Set(t.Context(), key, value[:n]))
			_, _, err := load(context.Background(), cut, "p/")
			require.ErrorIs(t, err, errState, "%s cut to %d of %d bytes", key, n, len(value))
		}
	}
}

func TestIdentityIsKeptApart(t *testing.T) {
	seen := map[string]bool{}
	for _, identity := range [][]string{{"a", "b"}, {"ab", ""}, {"", "ab"}, {"a", "b", ""}, {"b", "a"}} {
		seen[keyPrefix(identity)] = true
	}
	require.Len(t, seen, 5)
}

func TestMerge(t *testing.T) {
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
		require.Equal(t, len(want), len(merge(a, b)))
		require.True(t, slices.Equal(want, merge(slices.Clone(a), slices.Clone(b))))
	}
}

func TestFloor(t *testing.T) {
	f := func(at, want int64) {
		t.Helper()
		require.Equal(t, want, floor(at, Minute))
	}
	f(0, 0)
	f(Minute-1, 0)
	f(Minute, Minute)
	f(-1, -Minute)
	f(-Minute, -Minute)
	f(-Minute-1, -2*Minute)
}
