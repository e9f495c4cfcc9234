package s3

import (
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/session"
)

// prefixBatch is what was made of objects of one prefix, and the state behind it.
type prefixBatch struct {
	parsed    logformat.EventBatch
	textBytes int
	stats     source.Stats

	key   string // of the prefix's state in the store
	state []byte
	lag   time.Duration // how long ago the last object was written, while there are more to read
}

// maxBatchBytes bounds the text of a batch: one of huge records has few.
const maxBatchBytes = 4 << 20

func (b *prefixBatch) isFull(maxEvents int) bool {
	return len(b.parsed.Events) >= maxEvents || b.textBytes >= maxBatchBytes
}

// Events is part of [delivery.Batch], as the methods that follow.
func (b *prefixBatch) Events() []session.Event { return b.parsed.Events }

// TextBytes counts all that was read: an event's strings are parts of it.
func (b *prefixBatch) TextBytes() int { return b.textBytes }

// Commit stores the state.
func (b *prefixBatch) Commit(changes map[string][]byte) {
	if last := len(b.parsed.Events) - 1; last >= 0 {
		b.stats.Read(time.Unix(0, b.parsed.Events[last].Time).UTC(), b.lag)
	}
	changes[b.key] = b.state
}

// Reset keeps the memory of the events.
func (b *prefixBatch) Reset() {
	b.parsed.Cut(0)
	b.textBytes, b.key, b.state, b.lag = 0, "", nil, 0
}
