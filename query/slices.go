package query

import (
	"context"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/query/internal/timebudget"
)

// Coverage says how far a question came.
type Coverage struct {
	Complete bool      // all of the filter's time is covered
	From     time.Time // what the answer covers begins here
	Until    time.Time // and ends before here
	SQL      []string  // the statements that ran, newest slice first
	Full     bool      // a page has as many events, or bytes, as were asked for: more may follow its last
}

// Join is what several questions about one range cover together.
func (c Coverage) Join(other Coverage) Coverage {
	if other.Until.After(c.Until) {
		c.Until = other.Until
	}
	if other.From.After(c.From) {
		c.From = other.From
	}
	c.Complete = c.Complete && other.Complete
	c.SQL = append(c.SQL, other.SQL...)
	return c
}

// Limits bound a question. The zero value has none.
type Limits struct {
	Time  time.Duration // after it no further slice is begun, and a statement that runs is interrupted: the first one a second later
	Bytes int           // of the events of a page; one that has more ends it. Only [Events] minds them
}

const (
	firstSlice   = 10 * time.Minute
	firstPage    = time.Minute            // of what has enough soon
	slowSlice    = 300 * time.Millisecond // a slice that took longer has a shorter one after it
	fastSlice    = 100 * time.Millisecond // one that did not has a longer one
	sliceGrowth  = 4
	keptSQLTexts = 16 // of the statements of one question; they differ in their times alone

	// firstGrace is what the first statement has beyond the time of a question, so that there is an answer.
	firstGrace = time.Second
)

// ErrEnough ends [EachSlice] without an error: the question has what it wanted.
var ErrEnough = errors.New("enough")

// EachSlice asks a question of a caller's own. It runs a statement for each slice of the filter's time, newest first, until all is covered or the time of
// the limits is up. Where time is limited the first slice is as wide as first says; 0 is ten minutes. statement makes the statement of a slice from its
// conditions, which begin with WHERE. run runs it, with a context that ends with the question's time, and may return [ErrEnough]; a slice whose statement is
// interrupted is not covered, so run must keep nothing of it. Other errors of run end the walk and are returned.
func EachSlice(ctx context.Context, s Store, f Filter, first time.Duration, limits Limits, statement func(where string) string, run func(ctx context.Context, sql string) error) (Coverage, error) {
	if first == 0 {
		first = firstSlice
	}
	conditions, err := f.SQLConditions(s)
	if err != nil {
		return Coverage{}, err
	}
	begin, left := time.Now(), timebudget.New(limits.Time)
	statementCtx, cancel := left.WithContext(ctx, firstGrace)
	defer cancel()
	from, until, found, err := f.StoredBounds(statementCtx, s)
	if errors.Is(err, timebudget.ErrTimeUp) {
		end := min(until, begin.UnixNano())
		return Coverage{From: time.Unix(0, end).UTC(), Until: time.Unix(0, end).UTC()}, nil
	}
	if err != nil || !found {
		return Coverage{Complete: true}, err
	}
	w := newSliceWalk(from, until, begin, first, limits.Time > 0)
	for {
		start := w.nextStart()
		sql := statement(" WHERE " + strings.Join(append([]string{s.Between(start, w.end)}, conditions...), " AND "))
		if len(w.covered.SQL) < keptSQLTexts {
			w.covered.SQL = append(w.covered.SQL, sql)
		}
		sliceBegin := time.Now()
		isOver, err := w.takeResult(start, run(statementCtx, sql))
		if isOver || left.IsSpent() {
			return w.covered, err
		}
		if w.end == until { // the grace was for the first one
			var cancelNext func()
			statementCtx, cancelNext = left.WithContext(ctx, 0)
			defer cancelNext()
		}
		w.pace.left = left.Rest()
		w.goOnFrom(start, time.Since(sliceBegin))
	}
}

// sliceWalk goes through a time, from its end on.
type sliceWalk struct {
	from, end int64
	ahead     int64 // of the clock: what is dated later is one slice
	width     int64
	pace      slicePace
	covered   Coverage
}

func newSliceWalk(from, until int64, now time.Time, first time.Duration, isLimited bool) *sliceWalk {
	end := time.Unix(0, until).UTC()
	// A clock that is wrong must not lead to slices of years.
	w := &sliceWalk{from: from, end: until, ahead: now.Add(first).UnixNano(), width: int64(first), covered: Coverage{From: end, Until: end}}
	if !isLimited { // nobody waits: few statements
		w.width = max(w.width, int64((uint64(until)-uint64(from))/64)) //nolint:gosec // less than either
	}
	return w
}

func (w *sliceWalk) nextStart() int64 {
	switch {
	case w.end > w.ahead:
		return max(w.from, w.ahead)
	case w.end > w.from && uint64(w.end)-uint64(w.from) > uint64(w.width): //nolint:gosec // the distance
		return w.end - w.width
	}
	return w.from
}

// takeResult notes what became of the slice from start on.
func (w *sliceWalk) takeResult(start int64, result error) (isOver bool, err error) {
	switch {
	case errors.Is(result, timebudget.ErrTimeUp):
		return true, nil
	case result != nil && !errors.Is(result, ErrEnough):
		return true, result
	}
	w.covered.From = time.Unix(0, start).UTC()
	w.covered.Complete = result == nil && start == w.from
	return errors.Is(result, ErrEnough) || w.covered.Complete, nil
}

func (w *sliceWalk) goOnFrom(start int64, took time.Duration) {
	if w.end <= w.ahead {
		w.width = w.pace.nextWidth(w.width, took)
	}
	w.end = start
}

// slicePace says how wide slices are to be.
type slicePace struct {
	left  time.Duration // of all time; 0: without limit
	least time.Duration // that a slice took: what each costs however short it is
}

// nextWidth is that of a slice after one of a width that took so long: where time is limited, one that takes about half of what is left, if logins are
// as dense there.
func (p *slicePace) nextWidth(width int64, took time.Duration) int64 {
	if p.least == 0 || took < p.least {
		p.least = took
	}
	next, more := width, took-p.least
	slow, fast, growth := max(slowSlice, p.least), max(fastSlice, p.least/2), int64(sliceGrowth)
	if p.left == 0 {
		fast, growth = slow, sliceGrowth*sliceGrowth
	}
	switch {
	case more > slow:
		next = width / 2
	case more < fast && width < math.MaxInt64/growth:
		next = width * growth
	}
	if p.left > 0 && more > 0 {
		next = max(width/8, int64(min(float64(next), float64(p.left/2-p.least)/float64(more)*float64(width))))
	}
	return max(next, int64(time.Second))
}

// StoredBounds is the filter's time, cut to that of the events there are, in nanoseconds since 1970 UTC; until is not included. found is false where the
// store has no event in that time.
func (f Filter) StoredBounds(ctx context.Context, s Store) (from, until int64, found bool, err error) {
	from, until = f.Bounds()
	oldest, newest, found, err := s.Extent(ctx)
	if err != nil || !found {
		return from, until, false, err
	}
	from = max(from, oldest)
	if newest < math.MaxInt64 {
		newest++
	}
	until = min(until, newest)
	return from, until, from < until, nil
}
