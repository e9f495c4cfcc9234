package httpsource

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	minRetryAfter = time.Second
	maxRetryAfter = 30 * time.Second
)

const (
	measurementWindow = time.Minute // older measurements of the throughput have faded
	idleResetAfter    = 5 * time.Second
)

// retryScheduler gives refused callers different times to retry: each as much later than the one before as that one's body will
// take, by the throughput since the refusals began. It knows no sender: one that does not retry leaves a gap of that length.
type retryScheduler struct {
	now func() time.Time

	mu           sync.Mutex
	allServedAt  time.Time // when all refused callers will have been served
	lastRefusal  time.Time
	measuredSpan time.Duration // for how long calls have been refused; fades with servedBytes
	servedBytes  float64       // bytes
	averageBody  float64       // bytes of a body that was served
}

func (b *retryScheduler) recordServed(size int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.servedBytes += float64(size)
	if b.averageBody == 0 {
		b.averageBody = float64(size)
	}
	b.averageBody += (float64(size) - b.averageBody) / 8
}

func (b *retryScheduler) nextRetry(size int64) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.fadeMeasurement(now)
	if b.allServedAt.Before(now) {
		b.allServedAt = now
	}
	b.allServedAt = b.allServedAt.Add(b.servingTime(size))
	if latest := now.Add(maxRetryAfter); b.allServedAt.After(latest) {
		b.allServedAt = latest
	}
	return max(minRetryAfter, b.allServedAt.Sub(now))
}

func (b *retryScheduler) fadeMeasurement(now time.Time) {
	passed := now.Sub(b.lastRefusal)
	b.lastRefusal = now
	// Only a source at its limit shows its greatest throughput.
	if passed >= idleResetAfter && b.allServedAt.Before(now) || passed >= measurementWindow {
		b.measuredSpan, b.servedBytes = 0, 0
		return
	}
	remains := 1 - passed.Seconds()/measurementWindow.Seconds()
	b.servedBytes *= remains
	b.measuredSpan = time.Duration(float64(b.measuredSpan)*remains) + passed
}

func (b *retryScheduler) servingTime(size int64) time.Duration {
	bytes := float64(size)
	if size < 0 {
		bytes = b.averageBody
	}
	// One second in which nothing was served says little.
	most := min(b.measuredSpan, maxRetryAfter)
	if b.servedBytes == 0 {
		return most
	}
	return time.Duration(min(bytes/b.servedBytes*float64(b.measuredSpan), float64(most)))
}

func (b *retryScheduler) setRetryAfter(w http.ResponseWriter, err error, size int64) {
	if errors.Is(err, errMemoryFull) || errors.Is(err, errTooManyCalls) {
		seconds := math.Ceil(b.nextRetry(size).Seconds())
		w.Header().Set("Retry-After", strconv.Itoa(int(seconds)))
	}
}
