package httpsource

import (
	"errors"
	"net/http"
	"strconv"
	"sync"
)

const maxRetryAfter = 30 // seconds

// retryScheduler lets refused callers come back in groups, a second apart: each has as many as are served at a time. It knows no sender: each call that
// is served makes room for one, whoever that is.
type retryScheduler struct {
	groupSize int

	mu      sync.Mutex
	waiting int // refused calls for which no other was served since
}

func (b *retryScheduler) recordServed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = max(0, b.waiting-1)
}

func (b *retryScheduler) nextRetry() (seconds int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	seconds = b.waiting/b.groupSize + 1
	if seconds < maxRetryAfter {
		b.waiting++
	}
	return seconds
}

func (b *retryScheduler) setRetryAfter(w http.ResponseWriter, err error) {
	if errors.Is(err, errMemoryFull) || errors.Is(err, errTooManyCalls) {
		w.Header().Set("Retry-After", strconv.Itoa(b.nextRetry()))
	}
}
