package query

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestDaysThatStandForOthers: none that is not whole, or has another offset from UTC than those that are asked for with it.
func TestDaysThatStandForOthers(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	day := func(text string) int64 {
		at, err := time.Parse(time.DateTime, text)
		require.NoError(t, err)
		return at.UnixNano()
	}
	from, until := day("2026-10-01 12:00:00"), day("2026-10-28 18:00:00") // clocks change on the 25th
	for _, c := range []struct {
		zone *time.Location
		want []int
	}{{berlin, []int{28, 26, 25, 2, 1}}, {time.UTC, []int{28, 2, 1}}} {
		var begins []int
		for end := until/int64(oneDay) + 1; end > from/int64(oneDay); {
			end = QuestionOptions{Zone: c.zone}.beginOfAlike(from/int64(oneDay), end, from, until)
			begins = append(begins, time.Unix(0, end*int64(oneDay)).UTC().Day())
		}
		require.Equal(t, c.want, begins)
	}
}
