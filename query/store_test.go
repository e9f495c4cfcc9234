package query_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/query"
)

// TestWhoHasLeftIsToldNothing: an error behind the value at which a caller left, such as of a server that is closed, would else be a panic.
func TestWhoHasLeftIsToldNothing(t *testing.T) {
	broken := errors.New("broken")
	numbers := query.YieldEach(func(next func(int) bool) error {
		for n := 0; next(n) && n < 2; n++ {
		}
		return broken
	})
	var got []int
	for n, err := range numbers {
		require.NoError(t, err)
		got = append(got, n)
		break
	}
	require.Equal(t, []int{0}, got)
	var last error
	for n, err := range numbers {
		if last = err; err == nil {
			got = append(got, n)
		}
	}
	require.Equal(t, []int{0, 0, 1, 2}, got)
	require.Equal(t, broken, last)
}
