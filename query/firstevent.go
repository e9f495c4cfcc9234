package query

import (
	"context"
	"time"
)

// eventsOfMoment is how many events of one millisecond are looked at.
const eventsOfMoment = 1000

// FirstWithin is the time of a filter's first event, which is known to be within a length of time after start; zero where there is none.
func FirstWithin(ctx context.Context, s Store, f Filter, start time.Time, length time.Duration) (time.Time, error) {
	end := start.Add(length)
	if f.From.Before(start) {
		f.From = start
	}
	if f.Until.IsZero() || f.Until.After(end) {
		f.Until = end
	}
	for width := time.Second; width >= time.Millisecond; width /= 1000 { // as long as there are more than fit a page
		bars, _, err := Histogram(ctx, s, f, width, Limits{})
		if err != nil || len(bars) == 0 {
			return time.Time{}, err
		}
		if bars[0].Start.After(f.From) {
			f.From = bars[0].Start
		}
		if next := bars[0].Start.Add(width); next.Before(f.Until) {
			f.Until = next
		}
	}
	events, _, err := Events(ctx, s, f, nil, eventsOfMoment, Limits{})
	if err != nil || len(events) == 0 {
		return time.Time{}, err
	}
	return time.Unix(0, events[len(events)-1].Time), nil
}
