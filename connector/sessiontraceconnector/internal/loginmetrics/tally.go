// Package loginmetrics counts logins and sessions, in a bounded number of series, and makes OTel metrics of them.
package loginmetrics

import (
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Server is the server of a series: the resource of its metrics, as in records.
type Server struct{ System, Instance string }

type loginSeries struct {
	Server
	outcome           session.Outcome
	method, errorType string
}

type durationSeries struct {
	Server
	method string
}

// recentIDCount is how many of the last records are known.
const recentIDCount = 65_536

// Tally counts events. It is safe for concurrent use.
type Tally struct {
	mu        sync.Mutex
	maxSeries int // series of one metric
	recent    *simplelru.LRU[session.ID, struct{}]
	logins    map[loginSeries]*int64
	durations map[durationSeries]*durationHistogram
	open      map[Server]int64

	overflowLogins    int64 // of all series beyond the limit
	overflowDurations durationHistogram
	overflowOpen      int64
	hasOverflowOpen   bool // there was a server beyond the limit
}

// NewTally makes a tally of at most so many series a metric.
func NewTally(limit int) *Tally {
	recent, _ := simplelru.NewLRU[session.ID, struct{}](recentIDCount, nil) // fails for no size only
	return &Tally{
		maxSeries: limit, recent: recent,
		logins: map[loginSeries]*int64{}, durations: map[durationSeries]*durationHistogram{}, open: map[Server]int64{},
	}
}

// CountEvent counts an event, once: a record that comes again, as it does when a delivery beside this one has failed, counts
// nothing while its id is remembered. began is when its session began, by the source's clock; 0 when unknown.
func (t *Tally) CountEvent(e *session.Event, began int64) {
	if e.Kind != session.KindLogin && e.Kind != session.KindLogout {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.recent.Contains(e.RecordID) {
		return
	}
	t.recent.Add(e.RecordID, struct{}{})
	if e.Kind == session.KindLogin {
		*t.loginCount(e)++
		return
	}
	switch {
	case e.Duration > 0:
		t.durationsOf(e).observeDuration(e.Duration)
	case began > 0 && e.Time >= began:
		t.durationsOf(e).observeDuration(e.Time - began)
	}
}

func (t *Tally) loginCount(e *session.Event) *int64 {
	k := loginSeries{Server{e.System, e.Instance}, e.Outcome, e.AuthMethod, e.ErrorType}
	if c, ok := t.logins[k]; ok {
		return c
	}
	if len(t.logins) >= t.maxSeries || k.exceedsLimits(k.method, k.errorType) {
		return &t.overflowLogins
	}
	k.Server, k.method, k.errorType = k.cloneTexts(), strings.Clone(k.method), strings.Clone(k.errorType)
	c := new(int64)
	t.logins[k] = c
	return c
}

func (t *Tally) durationsOf(e *session.Event) *durationHistogram {
	k := durationSeries{Server{e.System, e.Instance}, e.AuthMethod}
	if h, ok := t.durations[k]; ok {
		return h
	}
	if len(t.durations) >= t.maxSeries || k.exceedsLimits(k.method) {
		return &t.overflowDurations
	}
	k.Server, k.method = k.cloneTexts(), strings.Clone(k.method)
	h := &durationHistogram{}
	t.durations[k] = h
	return h
}

// maxSeriesText is in bytes. A series with more, or with invalid UTF-8, is counted as overflow.
const maxSeriesText = 1024

func (p Server) exceedsLimits(more ...string) bool {
	n, valid := len(p.System)+len(p.Instance), utf8.ValidString(p.System) && utf8.ValidString(p.Instance)
	for _, s := range more {
		n, valid = n+len(s), valid && utf8.ValidString(s)
	}
	return n > maxSeriesText || !valid
}

// cloneTexts releases the large text that the strings may be parts of.
func (p Server) cloneTexts() Server {
	return Server{strings.Clone(p.System), strings.Clone(p.Instance)}
}

// SetOpenSessions takes the sessions that are open now, all of them: servers that are not named have none any more.
func (t *Tally) SetOpenSessions(all func(yield func(Server, int64))) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for p := range t.open {
		t.open[p] = 0
	}
	t.overflowOpen = 0
	all(func(p Server, n int64) {
		if _, ok := t.open[p]; !ok && (len(t.open) >= t.maxSeries || p.exceedsLimits()) {
			t.overflowOpen, t.hasOverflowOpen = t.overflowOpen+n, true
			return
		}
		t.open[p] = n
	})
}
