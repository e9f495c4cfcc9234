package httpsource

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// The bounds of Retry-After where memory or places are full.
const (
	soonestReturn = time.Second
	latestReturn  = 30 * time.Second
)

// measuredTime is for how long a measurement of what is served counts.
const measuredTime = time.Minute

// quietTime without a refusal, when all who were refused could have come again, ends a measurement: who is not full does not show how fast
// he can be.
const quietTime = 5 * time.Second

// backlog tells callers that are refused when to come again: each as much later than the one before as that one's body will take, by
// what was served since the refusals began. It knows no sender: who does not come again leaves a gap of that length.
type backlog struct {
	now func() time.Time

	mu     sync.Mutex
	free   time.Time     // when all who were refused will have been served
	since  time.Time     // of the last refusal
	span   time.Duration // for how long calls have been refused, and served counts; both fade
	served float64       // bytes
	usual  float64       // bytes of a body that was served
}

// done notes that a body was served.
func (b *backlog) done(size int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.served += float64(size)
	if b.usual == 0 {
		b.usual = float64(size)
	}
	b.usual += (float64(size) - b.usual) / 8
}

// comeAgain is when a call may be served whose body has size bytes; negative is unknown.
func (b *backlog) comeAgain(size int64) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.measure(now)
	if b.free.Before(now) {
		b.free = now
	}
	b.free = b.free.Add(b.takes(size))
	if latest := now.Add(latestReturn); b.free.After(latest) {
		b.free = latest
	}
	return max(soonestReturn, b.free.Sub(now))
}

// measure begins anew where no call was refused for long: only who is full shows how fast he can be.
func (b *backlog) measure(now time.Time) {
	passed := now.Sub(b.since)
	b.since = now
	if passed >= quietTime && b.free.Before(now) || passed >= measuredTime {
		b.span, b.served = 0, 0
		return
	}
	remains := 1 - passed.Seconds()/measuredTime.Seconds()
	b.served *= remains
	b.span = time.Duration(float64(b.span)*remains) + passed
}

// takes is how long serving a body takes, but no longer than calls have been refused: one second in which nothing was served says little.
func (b *backlog) takes(size int64) time.Duration {
	bytes := float64(size)
	if size < 0 {
		bytes = b.usual
	}
	most := min(b.span, latestReturn)
	if b.served == 0 {
		return most
	}
	return time.Duration(min(bytes/b.served*float64(b.span), float64(most)))
}

// appoint says when to come again to a call that finds everything full.
func (b *backlog) appoint(w http.ResponseWriter, err error, size int64) {
	if errors.Is(err, errFull) || errors.Is(err, errBusy) {
		seconds := math.Ceil(b.comeAgain(size).Seconds())
		w.Header().Set("Retry-After", strconv.Itoa(int(seconds)))
	}
}
