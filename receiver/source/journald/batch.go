package journald

import (
	"encoding/json"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/delivery"
	"github.com/otel-sessionlog/sessionlog/session"
)

type entryBatch struct {
	parsed    logformat.EventBatch
	textBytes int
	stats     source.Stats

	state    []byte    // to store; nil where it is not worth a write
	readUpTo time.Time // everything until then is delivered with the batch
	lag      time.Duration
}

func (b *entryBatch) Events() []session.Event { return b.parsed.Events }

// TextBytes counts all that was read: an event's strings are parts of it.
func (b *entryBatch) TextBytes() int { return b.textBytes }

func (b *entryBatch) Commit(changes map[string][]byte) {
	b.stats.Read(b.readUpTo.UTC(), b.lag)
	if b.state != nil {
		changes[stateKey] = b.state
	}
}

// Reset keeps the memory of the events.
func (b *entryBatch) Reset() {
	b.parsed.Cut(0)
	b.textBytes, b.state, b.lag = 0, nil, 0
}

// submitEvents delivers what was read up to the entry of this cursor, and reports whether reading may go on.
func (r *journalReader) submitEvents(cursor string) bool {
	now, events := r.host.Now(), r.batch.parsed.Events
	for i := range events {
		events[i].Observed = now.UnixNano()
	}
	upTo := now
	if len(events) > 0 {
		upTo = time.Unix(0, events[len(events)-1].Time)
	}
	r.state.Cursor, r.state.Parser, r.state.Filter = cursor, r.parser.ResumeState(), r.filterKey()
	r.submitState(upTo, max(0, now.Sub(upTo)))
	return delivery.AcquireInto(r.queue, &r.batch)
}

// submitState has the state stored once all that was read is delivered.
func (r *journalReader) submitState(readUpTo time.Time, lag time.Duration) {
	r.batch.state, _ = json.Marshal(r.state) // strings and numbers always can
	r.savedPolled = r.state.Polled
	r.submitBatch(readUpTo, lag)
}

func (r *journalReader) submitBatch(readUpTo time.Time, lag time.Duration) {
	r.batch.readUpTo, r.batch.lag = readUpTo, lag
	r.queue.Submit(r.batch)
	r.batch = nil
}
