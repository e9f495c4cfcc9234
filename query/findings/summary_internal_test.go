package findings

import (
	"context"
	"fmt"
	"iter"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/query/internal/timebudget"
)

// TestHoursOfTheWeekFromThoseOfDays: what the shifts make of a day's hours is what the zone's clock shows, also where it changes on that day.
func TestHoursOfTheWeekFromThoseOfDays(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Auckland", "Asia/Kolkata"} {
		zone, err := time.LoadLocation(name)
		require.NoError(t, err)
		o := Options{Zone: zone}
		begin, days := time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC).UnixNano()/int64(oneDay), int64(14) // clocks change on the 25th
		shifts := o.shiftHours(begin, days, o.hoursBetween)
		for day := range days {
			for hour := range hoursOfDay {
				var made hourSet
				for _, s := range shifts {
					if bit := 1 << hour & uint64(s.Masks[day]); s.By < 0 {
						made |= hourSet(bit >> -s.By)
					} else {
						made |= hourSet(bit << s.By)
					}
				}
				at := (begin+day)*int64(oneDay) + int64(hour)*int64(time.Hour)
				want := hourSet(1<<weekHour(at, zone) | 1<<weekHour(at+int64(59*time.Minute), zone))
				require.Equal(t, want, made, "%s %d %d", name, day, hour)
			}
		}
	}
}

// endingStore hands out rows of hours until the time of the question is up.
type endingStore struct {
	slowStore
	rows [][]query.Cell
}

func (endingStore) GroupsFast() bool                                         { return false }
func (endingStore) Hours(int64, []query.HourShift, []query.HourShift) string { return "" }
func (endingStore) NewPairs(int64) string                                    { return "" }
func (s endingStore) Rows(context.Context, string, int) iter.Seq2[[]query.Cell, error] {
	return func(yield func([]query.Cell, error) bool) {
		for _, row := range s.rows {
			if !yield(row, nil) {
				return
			}
		}
		yield(nil, timebudget.ErrTimeUp)
	}
}

func (endingStore) Extent(context.Context) (int64, int64, bool, error) {
	return 0, 10 * int64(oneDay), true, nil
}

// TestHoursThatWereNotRead are undecided, and those of the range have to be there.
func TestHoursThatWereNotRead(t *testing.T) {
	row := func(user, now, before, day string) []query.Cell {
		return []query.Cell{{Text: user}, {Text: "test"}, {Text: "main"}, {Text: now}, {Text: before}, {Text: "1"}, {Text: day}}
	}
	rows := [][]query.Cell{row("alice", "6", "0", "9"), row("bob", "2", "0", "9"), row("alice", "0", "2", "8"), row("bob", "0", "2", "7"), row("alice", "0", "1", "6")}
	for n := range fewOpen { // of more than these all days are read
		rows = append([][]query.Cell{row(fmt.Sprint("user", n), "4", "0", "9")}, rows...)
	}
	store := endingStore{rows: rows}
	ask := func() *countedHours {
		f := query.Filter{From: time.Unix(9*24*60*60, 0), Until: time.Unix(10*24*60*60, 0)}
		told, err := (&historyQuestion{Options: DefaultOptions(), store: store, filter: f, counted: summaryAnswer{store, true, new([]string)}}).countHours(t.Context(), 2*int64(oneDay), func(t *hoursSeen) bool { return t.now&^t.before != 0 })
		require.NoError(t, err)
		return told
	}
	told := ask()
	require.Equal(t, [][2]int64{{2 * int64(oneDay), 7 * int64(oneDay)}}, told.undecided)
	require.Equal(t, hourSet(math.MaxUint64), told.open)
	require.Len(t, told.users, fewOpen+1, "bob has no hour that he did not have")
	of := func(user string) hoursSeen {
		return *told.users[accountOfCells(row(user, "", "", ""), map[string]string{})]
	}
	require.Equal(t, hoursSeen{now: 6, before: 3, days: 3, first: 6}, of("alice"))
	store.rows = rows[1:]
	told = ask()
	require.Equal(t, [][2]int64{{2 * int64(oneDay), 7 * int64(oneDay)}}, told.undecided)
	require.Equal(t, hoursSeen{now: 6, before: 2, days: 2, first: 8}, of("alice"), "few are left before her last day")
	store.rows = rows[:1]
	require.Nil(t, ask())
}
