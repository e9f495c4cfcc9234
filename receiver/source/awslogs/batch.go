package awslogs

import (
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/delivery"
	"github.com/otel-sessionlog/sessionlog/session"
)

// textBatch is a [delivery.Batch]: what was made of texts, and the state after them.
type textBatch struct {
	parsed    logformat.EventBatch
	textBytes int
	stats     source.Stats

	key   string // of the state in the store
	state []byte
	lag   time.Duration
}

// maxBatchBytes bounds the text of a batch: one of huge records has few.
const maxBatchBytes = 4 << 20

func (b *textBatch) isFull(maxEvents int) bool {
	return len(b.parsed.Events) >= maxEvents || b.textBytes >= maxBatchBytes
}

func (b *textBatch) Events() []session.Event { return b.parsed.Events }

// TextBytes counts all that was read: an event's strings are parts of it.
func (b *textBatch) TextBytes() int { return b.textBytes }

func (b *textBatch) Commit(changes map[string][]byte) {
	if last := len(b.parsed.Events) - 1; last >= 0 {
		b.stats.Read(time.Unix(0, b.parsed.Events[last].Time).UTC(), b.lag)
	}
	changes[b.key] = b.state
}

// Reset keeps the memory of the events.
func (b *textBatch) Reset() {
	b.parsed.Cut(0)
	b.textBytes, b.key, b.state, b.lag = 0, "", nil, 0
}

func (r *Reader) acquireBatch() bool { return delivery.AcquireInto(r.queue, &r.batch) }

// SubmitBatch delivers what was parsed, with the state after it, which is stored under key. lag is how far reading is behind now, while there is
// more to read. The error is [ErrStopped].
func (r *Reader) SubmitBatch(key string, state []byte, lag time.Duration) error {
	if !r.acquireBatch() {
		return ErrStopped
	}
	now := r.Host.Now().UnixNano()
	for i := range r.batch.parsed.Events {
		r.batch.parsed.Events[i].Observed = now
	}
	r.batch.key, r.batch.state, r.batch.lag = key, state, max(0, lag)
	r.queue.Submit(r.batch)
	r.batch = nil
	return nil
}

// DiscardBatch forgets what was parsed and not submitted.
func (r *Reader) DiscardBatch() {
	if r.batch != nil {
		r.queue.Release(r.batch)
		r.batch = nil
	}
}
