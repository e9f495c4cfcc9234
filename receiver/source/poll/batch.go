package poll

import (
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/delivery"
	"github.com/otel-sessionlog/sessionlog/session"
)

// eventBatch is a [delivery.Batch]: events, with what is to be remembered once they are delivered.
type eventBatch struct {
	progress *readProgress
	stats    source.Stats

	events      []session.Event // the first n are filled
	n           int
	rows        []deliveredRow // in the order of their minutes
	entries     []logEntry
	redelivered int
	lastEvent   int64         // time of the last one
	lag         time.Duration // of the last one behind the server's clock
}

func (b *eventBatch) Events() []session.Event { return b.events[:b.n] }

// TextBytes implements [delivery.Batch]. The texts of an event take less than the event as a rule.
func (b *eventBatch) TextBytes() int { return 0 }

func (b *eventBatch) Commit(changes map[string][]byte) {
	b.progress.commitRows(b.rows, changes)
	b.progress.commitEntries(b.entries, changes)
	if b.redelivered > 0 {
		b.stats.Repeated(b.redelivered)
	}
	if b.n > 0 {
		b.stats.Read(time.UnixMicro(b.lastEvent), b.lag)
	}
}

func (b *eventBatch) Reset() { b.n, b.rows, b.entries, b.redelivered = 0, b.rows[:0], b.entries[:0], 0 }

func (b *eventBatch) isEmpty() bool { return b.n == 0 && len(b.rows) == 0 && len(b.entries) == 0 }

const fewEvents = 64

func (b *eventBatch) nextEvent(size int) *session.Event {
	if b.n == len(b.events) {
		// Events are large: a batch that few will do for gets few, any other one soon gets all that it holds, since growing bit by bit copies the
		// first ones again and again.
		more := max(b.n, fewEvents)
		if b.n < size && b.n >= 4*fewEvents {
			more = size - b.n
		}
		grown := make([]session.Event, b.n+more)
		copy(grown, b.events)
		b.events = grown
	}
	return &b.events[b.n]
}

type batchFiller struct {
	queue   *delivery.Queue[*eventBatch]
	size    int
	current *eventBatch // nil: none has been begun
}

// openBatch is the batch to fill, which is not full.
func (b *batchFiller) openBatch() (*eventBatch, error) {
	if b.current != nil && max(b.current.n, len(b.current.rows)) >= b.size {
		b.submitCurrent()
	}
	if b.current == nil {
		acquired, err := b.queue.Acquire()
		if err != nil {
			return nil, err
		}
		b.current = acquired
	}
	return b.current, nil
}

// recordEntry has the progress changed when everything before has been delivered.
func (b *batchFiller) recordEntry(e logEntry) error {
	open, err := b.openBatch()
	if err == nil {
		open.entries = append(open.entries, e)
	}
	return err
}

func (b *batchFiller) submitCurrent() {
	if b.current.isEmpty() {
		b.queue.Release(b.current)
	} else {
		b.queue.Submit(b.current)
	}
	b.current = nil
}

func (b *batchFiller) submitAndDrain() error {
	if b.current != nil {
		b.submitCurrent()
	}
	return b.queue.Drain()
}

func (b *batchFiller) abandonCurrent() error {
	if b.current != nil {
		b.queue.Release(b.current)
		b.current = nil
	}
	return b.queue.Drain()
}
