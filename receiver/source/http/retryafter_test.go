package httpsource

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEachRefusedCallComesWhenThoseBeforeItAreServed: as many as are served at a time come in the same second.
func TestEachRefusedCallComesWhenThoseBeforeItAreServed(t *testing.T) {
	b := &retryScheduler{groupSize: 3}
	refuse := func(n int) (seconds []int) {
		for range n {
			seconds = append(seconds, b.nextRetry())
		}
		return seconds
	}
	require.Equal(t, []int{1, 1, 1, 2, 2, 2, 3}, refuse(7))
	for range 5 {
		b.recordServed()
	}
	require.Equal(t, []int{1, 2, 2}, refuse(3), "two are ahead still")
	require.Equal(t, maxRetryAfter, refuse(1000)[999], "no later than in half a minute, where nothing is served")
	for range 1000 {
		b.recordServed()
	}
	require.Equal(t, []int{1}, refuse(1), "it was calm")
}
