package overlap

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSeenItemsAreBounded(t *testing.T) {
	var s SeenItems
	for i := range 1000 {
		require.True(t, s.Add(strconv.Itoa(i), int64(i/10)))
		require.False(t, s.Add(strconv.Itoa(i), int64(i/10)))
	}
	require.Equal(t, int64(20), s.Forget(20, 1000), "what is older than the overlap")
	require.Len(t, s.times, 800)
	require.Equal(t, int64(51), s.Forget(20, 495), "the oldest of too many, whole milliseconds")
	require.Len(t, s.times, 490)
	require.Equal(t, int64(99), s.Forget(20, 5), "never the newest millisecond")
	require.Equal(t, 10, s.Len())
	require.True(t, s.Contains("999"))
	require.False(t, s.Contains("0"))

	again, err := Decode(s.Encode())
	require.NoError(t, err)
	require.Equal(t, s.times, again.times)
	_, err = Decode(s.Encode()[:12])
	require.ErrorIs(t, err, ErrTorn)
}
