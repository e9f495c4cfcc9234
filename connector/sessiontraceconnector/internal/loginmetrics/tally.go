// Package loginmetrics counts logins and sessions, in a bounded number of series, and makes OTel metrics of them.
package loginmetrics

import (
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Place is the server that a series is about: the resource of its metrics, as records have it.
type Place struct{ System, Instance string }

// loginKey is one series of [Logins].
type loginKey struct {
	Place
	outcome           session.Outcome
	method, errorType string
}

// sessionKey is one series of [SessionDuration].
type sessionKey struct {
	Place
	method string
}

// count is a sum, how much of it stood in the metrics made last, and how much was delivered.
type count struct{ total, told, sent int64 }

// Tally counts events. It is safe for concurrent use.
type Tally struct {
	mu        sync.Mutex
	limit     int // series of one metric
	recent    recentIDs
	logins    map[loginKey]*count
	durations map[sessionKey]*histogram
	open      map[Place]int64

	moreLogins    count // of all series beyond the limit
	moreDurations histogram
	moreOpen      int64
	overOpen      bool // there was one beyond the limit
}

// New makes a tally of at most so many series a metric.
func New(limit int) *Tally {
	return &Tally{
		limit: limit, recent: newRecentIDs(),
		logins: map[loginKey]*count{}, durations: map[sessionKey]*histogram{}, open: map[Place]int64{},
	}
}

// Event counts an event, once: a record that comes again, as it does when a delivery beside this one has failed, counts
// nothing while its id is remembered. began is when its session began, by the source's clock; 0 when nobody knows.
func (t *Tally) Event(e *session.Event, began int64) {
	if e.Kind != session.KindLogin && e.Kind != session.KindLogout {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.recent.seenBefore(e.RecordID) {
		return
	}
	if e.Kind == session.KindLogin {
		t.login(e).total++
		return
	}
	switch {
	case e.Duration > 0:
		t.duration(e).add(e.Duration)
	case began > 0 && e.Time >= began:
		t.duration(e).add(e.Time - began)
	}
}

func (t *Tally) login(e *session.Event) *count {
	k := loginKey{Place{e.System, e.Instance}, e.Outcome, e.AuthMethod, e.ErrorType}
	if c, ok := t.logins[k]; ok {
		return c
	}
	if len(t.logins) >= t.limit || k.unfit(k.method, k.errorType) {
		return &t.moreLogins
	}
	k.Place, k.method, k.errorType = k.clone(), strings.Clone(k.method), strings.Clone(k.errorType)
	c := &count{}
	t.logins[k] = c
	return c
}

func (t *Tally) duration(e *session.Event) *histogram {
	k := sessionKey{Place{e.System, e.Instance}, e.AuthMethod}
	if h, ok := t.durations[k]; ok {
		return h
	}
	if len(t.durations) >= t.limit || k.unfit(k.method) {
		return &t.moreDurations
	}
	k.Place, k.method = k.clone(), strings.Clone(k.method)
	h := &histogram{}
	t.durations[k] = h
	return h
}

// maxText bounds the texts of a series; whatever is longer, or no UTF-8, is counted with the overflow.
const maxText = 1024

func (p Place) unfit(more ...string) bool {
	n, valid := len(p.System)+len(p.Instance), utf8.ValidString(p.System) && utf8.ValidString(p.Instance)
	for _, s := range more {
		n, valid = n+len(s), valid && utf8.ValidString(s)
	}
	return n > maxText || !valid
}

// clone lets go of the block of text that the strings may be a part of.
func (p Place) clone() Place { return Place{strings.Clone(p.System), strings.Clone(p.Instance)} }

// Open takes the sessions that are open now, all of them: servers that are not named have none any more.
func (t *Tally) Open(all func(yield func(Place, int64))) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for p := range t.open {
		t.open[p] = 0
	}
	t.moreOpen = 0
	all(func(p Place, n int64) {
		if _, ok := t.open[p]; !ok && (len(t.open) >= t.limit || p.unfit()) {
			t.moreOpen, t.overOpen = t.moreOpen+n, true
			return
		}
		t.open[p] = n
	})
}
