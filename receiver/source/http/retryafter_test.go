package httpsource

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const megabyte = 1 << 20

// retrySeconds gives the seconds that calls of a size are told to wait, one after another at the same moment.
func retrySeconds(b *retryScheduler, n int, size int64) (seconds []int) {
	for range n {
		seconds = append(seconds, int(b.nextRetry(size)/time.Second))
	}
	return seconds
}

// TestEachRefusedCallComesWhenThoseBeforeItAreServed: at a megabyte a second, calls of two megabytes come two seconds apart.
func TestEachRefusedCallComesWhenThoseBeforeItAreServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &retryScheduler{now: time.Now}
		require.Equal(t, []int{1, 1, 1}, retrySeconds(b, 3, 2*megabyte), "nothing is known yet")
		time.Sleep(4 * time.Second)
		for range 4 {
			b.recordServed(megabyte)
		}
		require.Equal(t, []int{2, 4, 6, 8}, retrySeconds(b, 4, 2*megabyte))
		require.Equal(t, []int{9}, retrySeconds(b, 1, -1), "of unknown length")
		require.Equal(t, 30, retrySeconds(b, 100, 2*megabyte)[99], "no later than in half a minute")
		time.Sleep(time.Hour)
		require.Equal(t, []int{1, 1}, retrySeconds(b, 2, 2*megabyte), "it was calm")
	})
}

// TestRefusalsGrowWhileNothingIsServed: a backend that is away is asked less and less often.
func TestRefusalsGrowWhileNothingIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &retryScheduler{now: time.Now}
		before, longest := time.Second, time.Duration(0)
		for range 9 {
			wait := b.nextRetry(megabyte)
			require.GreaterOrEqual(t, wait, before)
			require.LessOrEqual(t, wait, 2*before)
			time.Sleep(wait)
			before, longest = wait, max(longest, wait)
		}
		require.Equal(t, maxRetryAfter, longest)
	})
}
