package cloudwatch

import (
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/session"
)

// streamBatch is what was made of one stream, and the state behind it.
type streamBatch struct {
	parsed    logformat.EventBatch
	textBytes int
	stats     source.Stats

	key   string // of the stream's state in the store
	state []byte
	lag   time.Duration // how far the stream is read behind now, while there is more to read
}

// maxBatchBytes bounds the text of a batch: one of huge records has few.
const maxBatchBytes = 4 << 20

func (b *streamBatch) isFull(maxEvents int) bool {
	return len(b.parsed.Events) >= maxEvents || b.textBytes >= maxBatchBytes
}

// Events is part of [delivery.Batch], as the methods that follow.
func (b *streamBatch) Events() []session.Event { return b.parsed.Events }

// TextBytes counts all that was read: an event's strings are parts of it.
func (b *streamBatch) TextBytes() int { return b.textBytes }

// Commit stores the state.
func (b *streamBatch) Commit(changes map[string][]byte) {
	if last := len(b.parsed.Events) - 1; last >= 0 {
		b.stats.Read(time.Unix(0, b.parsed.Events[last].Time).UTC(), b.lag)
	}
	changes[b.key] = b.state
}

// Reset keeps the memory of the events.
func (b *streamBatch) Reset() {
	b.parsed.Cut(0)
	b.textBytes, b.key, b.state, b.lag = 0, "", nil, 0
}
