package query

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	// followLate is how much older than the newest event one may be that arrives only now.
	followLate = 5 * time.Minute
	followPage = 500
)

// Follower finds the events that arrive while it is polled. It is used by one caller at a time.
type Follower struct {
	store  Store
	filter Filter
	before int
	newest int64                // of the events that were given
	known  int64                // what is older was there before the first Poll, as far as this was looked at
	given  map[session.ID]int64 // times of those that may be met again
}

// NewFollower follows the events of a filter. The first [Follower.Poll] gives the newest that are there, at most before of them.
func NewFollower(s Store, f Filter, before int) *Follower {
	return &Follower{store: s, filter: f, before: before}
}

// Poll gives the events that have arrived since the last one, in the order of time. Those whose time is more than five minutes before the newest
// are not found, nor those before the newest 500 that were there at first.
func (w *Follower) Poll(ctx context.Context) ([]session.Event, error) {
	if w.given == nil {
		return w.pollFirst(ctx)
	}
	f := w.filter
	if since := time.Unix(0, max(w.newest-int64(followLate), w.known)); f.From.Before(since) {
		f.From = since
	}
	var arrived []session.Event
	for after := (*Position)(nil); ; {
		page, _, err := Events(ctx, w.store, f, after, followPage, Limits{})
		if err != nil {
			return nil, err
		}
		fresh := w.takeUnknown(page)
		arrived = append(arrived, fresh...)
		if len(page) < followPage || len(fresh) == 0 {
			break
		}
		position := PositionOf(&page[len(page)-1])
		after = &position
	}
	w.forgetOld()
	slices.Reverse(arrived)
	return arrived, nil
}

// pollFirst remembers a whole page, so that what was there is not taken for new.
func (w *Follower) pollFirst(ctx context.Context) ([]session.Event, error) {
	page, _, err := Events(ctx, w.store, w.filter, nil, max(followPage, w.before), Limits{})
	if err != nil {
		return nil, err
	}
	w.given, w.known = map[session.ID]int64{}, math.MinInt64
	if len(page) >= followPage {
		w.known = page[len(page)-1].Time + 1
	}
	shown := w.takeUnknown(page)
	shown = shown[:min(len(shown), w.before)]
	slices.Reverse(shown)
	return shown, nil
}

func (w *Follower) takeUnknown(page []session.Event) (fresh []session.Event) {
	for i := range page {
		if _, known := w.given[page[i].RecordID]; !known {
			w.given[page[i].RecordID] = page[i].Time
			w.newest = max(w.newest, page[i].Time)
			fresh = append(fresh, page[i])
		}
	}
	return fresh
}

func (w *Follower) forgetOld() {
	for id, at := range w.given {
		if at < w.newest-int64(followLate) {
			delete(w.given, id)
		}
	}
}
