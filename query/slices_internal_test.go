package query

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const oneDay = 24 * time.Hour

// walkYear counts the slices of a year whose statements take some time each, and some for each day of logins.
func walkYear(left, each, perDay time.Duration) (slices int, covered, took time.Duration) {
	const year = 365 * oneDay
	p, width := slicePace{left: left}, int64(firstSlice)
	for covered < year && (left == 0 || took < left) {
		width = min(width, int64(year-covered))
		one := each + time.Duration(float64(perDay)*float64(width)/float64(oneDay))
		slices, covered, took = slices+1, covered+time.Duration(width), took+one
		if left > 0 {
			p.left = max(1, left-took)
		}
		width = p.nextWidth(width, one)
	}
	return slices, covered, took
}

func TestSlicesFitTheTime(t *testing.T) {
	for _, c := range []struct {
		left, each, perDay time.Duration
		slices             int // at most
		covered, took      time.Duration
	}{
		{0, 3 * time.Millisecond, 0, 9, 365 * oneDay, 30 * time.Millisecond},
		{0, time.Second, 0, 9, 365 * oneDay, 9 * time.Second}, // a slow server, or a busy one
		{0, time.Second, time.Second, 1000, 365 * oneDay, 1400 * time.Second},
		{700 * time.Millisecond, 3 * time.Millisecond, 0, 9, 365 * oneDay, 30 * time.Millisecond},
		{700 * time.Millisecond, 3 * time.Millisecond, 100 * time.Millisecond, 20, 5 * oneDay, 750 * time.Millisecond},
		{700 * time.Millisecond, 3 * time.Millisecond, 10 * time.Second, 20, time.Hour, 850 * time.Millisecond},
	} {
		slices, covered, took := walkYear(c.left, c.each, c.perDay)
		require.LessOrEqual(t, slices, c.slices, "%v", c)
		require.GreaterOrEqual(t, covered, c.covered, "%v", c)
		require.LessOrEqual(t, took, c.took, "%v", c)
	}
}
