package query

import (
	"context"
	"errors"
	"math"
	"strings"
	"time"
)

// Coverage says how far a question came.
type Coverage struct {
	Complete bool
	From     time.Time // what the answer covers begins here
	Until    time.Time // and ends before here
	SQL      []string  // the statements that ran, newest slice first
}

// Limits bound a question. The zero value has none.
type Limits struct {
	Time time.Duration // after it no further slice is begun
}

const (
	firstSlice   = 10 * time.Minute
	firstPage    = time.Minute            // of what has enough soon
	slowSlice    = 300 * time.Millisecond // a slice that took longer has a shorter one after it
	fastSlice    = 100 * time.Millisecond // one that did not has a longer one
	sliceGrowth  = 4
	keptSQLTexts = 16 // of the statements of one question; they differ in their times alone
)

// errEnough ends a walk that has what it wanted.
var errEnough = errors.New("enough")

// walk runs a statement for each slice of the filter's time, newest first. make gives the statement of a slice from its conditions, run runs it; run
// may return errEnough.
func walk(ctx context.Context, s Store, f Filter, limits Limits, statement func(where string) string, run func(sql string) error) (Coverage, error) {
	return walkFrom(ctx, s, f, firstSlice, limits, statement, run)
}

// walkFrom is walk with another first slice.
func walkFrom(ctx context.Context, s Store, f Filter, first time.Duration, limits Limits, statement func(where string) string, run func(sql string) error) (Coverage, error) {
	conditions, err := f.conditions(s)
	if err != nil {
		return Coverage{}, err
	}
	from, until, found, err := extent(ctx, s, f)
	if err != nil || !found {
		return Coverage{Complete: true}, err
	}
	covered := Coverage{Until: time.Unix(0, until).UTC()}
	begin, width := time.Now(), int64(first)
	for end := until; ; {
		start := from
		if end > from && uint64(end)-uint64(from) > uint64(width) {
			start = end - width
		}
		ahead := begin.Add(first).UnixNano() // a clock that is wrong must not lead to slices of years
		if end > ahead {
			start = max(from, ahead)
		}
		sql := statement(" WHERE " + strings.Join(append([]string{s.Between(start, end)}, conditions...), " AND "))
		if len(covered.SQL) < keptSQLTexts {
			covered.SQL = append(covered.SQL, sql)
		}
		sliceBegin := time.Now()
		err := run(sql)
		if err != nil && !errors.Is(err, errEnough) {
			return covered, err
		}
		covered.From = time.Unix(0, start).UTC()
		covered.Complete = err == nil && start == from
		if err != nil || covered.Complete {
			return covered, nil //nolint:nilerr // a page that is full is no failure
		}
		if limits.Time > 0 && time.Since(begin) > limits.Time {
			return covered, nil
		}
		if end <= ahead {
			width = limits.nextWidth(width, time.Since(sliceBegin), time.Since(begin))
		}
		end = start
	}
}

// nextWidth is that of a slice after one of a width that took so long: where time is limited, one that takes at most half of what is left of it, if
// logins are as dense there.
func (limits Limits) nextWidth(width int64, took, passed time.Duration) int64 {
	next := width
	switch {
	case took > slowSlice:
		next = width / 2
	case took < fastSlice && width < math.MaxInt64/sliceGrowth:
		next = width * sliceGrowth
	}
	if most := float64(limits.Time-passed) / 2 / float64(took+1) * float64(width); limits.Time > 0 && float64(next) > most {
		next = int64(most)
	}
	return max(next, int64(time.Second))
}

// extent is the filter's time, cut to that of the events there are. until is not included.
func extent(ctx context.Context, s Store, f Filter) (from, until int64, found bool, err error) {
	oldest, newest, found, err := s.Extent(ctx)
	if err != nil || !found {
		return 0, 0, false, err
	}
	from, until = f.bounds()
	from = max(from, oldest)
	if newest < math.MaxInt64 {
		newest++
	}
	until = min(until, newest)
	return from, until, from < until, nil
}
