package findings

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// beginEarlier is a filter that begins some time before f, for what had begun already.
func beginEarlier(f query.Filter, by time.Duration) query.Filter {
	if from, _ := f.Bounds(); from > math.MinInt64 {
		f.From = time.Unix(0, subtractDuration(from, by)).UTC()
	}
	return f
}

// cutToTime is the filter, cut to a time.
func cutToTime(f query.Filter, from, until int64) query.Filter {
	begin, end := f.Bounds()
	f.From, f.Until = time.Unix(0, max(begin, from)).UTC(), time.Unix(0, min(end, until)).UTC()
	return f
}

// loginsWithin is a filter for logins of a time, both ends included, within another filter.
func loginsWithin(f query.Filter, first, last int64, conditions ...query.Condition) query.Filter {
	conditions = append(conditions, query.Condition{Field: query.MustFieldOf("kind"), Value: session.KindLogin.String()})
	all := query.Filter{From: time.Unix(0, first).UTC(), Until: time.Unix(0, last).Add(1).UTC(), Conditions: conditions}
	for _, c := range f.Conditions {
		if c.Exclude || !slices.ContainsFunc(conditions, func(other query.Condition) bool { return other.Field.Column == c.Field.Column }) {
			all.Conditions = append(all.Conditions, c)
		}
	}
	return all
}

// newTimeFilter is the filter of a time.
func newTimeFilter(from, until int64) query.Filter {
	f := query.Filter{Until: time.Unix(0, until).UTC()}
	if from > math.MinInt64 {
		f.From = time.Unix(0, from).UTC()
	}
	return f
}

// clipCoverage is what is covered of a filter whose time was extended: where it is not all, what had begun before is not known.
func clipCoverage(c query.Coverage, f query.Filter, before time.Duration) query.Coverage {
	if !c.Complete && !c.From.IsZero() {
		if c.From = c.From.Add(before); c.From.After(c.Until) {
			c.From = c.Until
		}
	}
	if !f.From.IsZero() && c.From.Before(f.From) {
		c.From = f.From
	}
	return c
}

// beginningOf is where what is covered begins, in nanoseconds.
func beginningOf(c query.Coverage, f query.Filter) int64 {
	from, _ := f.Bounds()
	if c.Complete || c.From.IsZero() {
		return from
	}
	return max(from, c.From.UnixNano())
}

// startCoverageAfter moves the beginning of what is covered to just after a moment that was not.
func startCoverageAfter(c *query.Coverage, at int64) {
	c.Complete = false
	if after := time.Unix(0, at).Add(1).UTC(); after.After(c.From) {
		c.From = after
	}
}

// coverageOfAll is that of an answer that has read nothing of the range.
func coverageOfAll(ctx context.Context, s query.Store, f query.Filter) (query.Coverage, error) {
	from, until, found, err := f.StoredBounds(ctx, s)
	if err != nil || !found {
		return query.Coverage{Complete: true}, err
	}
	return query.Coverage{Complete: true, From: time.Unix(0, from).UTC(), Until: time.Unix(0, until).UTC()}, nil
}
