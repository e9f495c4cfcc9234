package tail

import (
	"encoding/json"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/session"
)

// cursorBatch is the [delivery.DependentBatch] that is delivered at once: what was read of one file, or of many small ones, and the cursors that it moves.
type cursorBatch struct {
	parsed    logformat.EventBatch
	textBytes int
	stats     source.Stats

	moved   []*trackedFile // in the order in which they were read; even without events
	cursors []storedCursor // of copies, and of those files once the batch is complete
	lag     time.Duration  // how much later than its last event the file was written, while there is more to read
}

type storedCursor struct {
	key       string
	cursor    textCursor
	withState bool
}

// maxBatchBytes bounds the text of a batch: one of huge records has few. Lines of JSON, of 800 bytes as a rule, fill a batch by their
// number: a store pays for each batch as well as for each row.
const maxBatchBytes = 8 << 20

func (b *cursorBatch) Events() []session.Event { return b.parsed.Events }

// TextBytes counts all that was read: an event's strings are parts of it.
func (b *cursorBatch) TextBytes() int { return b.textBytes }

// Commit stores the cursors that know the state of their format: without it the others would pass over what only the state knows.
func (b *cursorBatch) Commit(changes map[string][]byte) {
	if last := len(b.parsed.Events) - 1; last >= 0 {
		b.stats.Read(time.Unix(0, b.parsed.Events[last].Time).UTC(), b.lag)
	}
	b.encodeCursors(changes, true)
}

func (b *cursorBatch) CommitLast(changes map[string][]byte) { b.encodeCursors(changes, false) }

func (b *cursorBatch) encodeCursors(changes map[string][]byte, withState bool) {
	for _, c := range b.cursors {
		if c.withState == withState {
			changes[c.key], _ = json.Marshal(c.cursor) // texts and numbers always can
		}
	}
}

// Reset keeps the memory.
func (b *cursorBatch) Reset() {
	b.parsed.Cut(0)
	clear(b.moved)
	b.textBytes, b.moved, b.cursors, b.lag = 0, b.moved[:0], b.cursors[:0], 0
}

// moveCursor notes that the batch moves the cursor of a file. Files are read one after another, each once a batch.
func (b *cursorBatch) moveCursor(f *trackedFile) {
	if n := len(b.moved); n == 0 || b.moved[n-1] != f {
		b.moved = append(b.moved, f)
	}
}

func (b *cursorBatch) isEmpty() bool {
	return len(b.parsed.Events) == 0 && len(b.moved) == 0 && len(b.cursors) == 0
}

func (b *cursorBatch) hasReachedLimit(maxEvents int) bool {
	return len(b.parsed.Events) >= maxEvents || b.textBytes >= maxBatchBytes
}

// acquireBatch waits for a batch to fill, which is there as long as the pipeline keeps up. Its error is [errStopped].
func (r *folderReader) acquireBatch() (err error) {
	if r.batch != nil {
		return nil
	}
	if r.batch, err = r.queue.Acquire(); err != nil {
		r.batch, r.stopped = nil, true
		return errStopped
	}
	return nil
}

// submitBatch delivers what there is.
func (r *folderReader) submitBatch(moreToRead bool) {
	b := r.batch
	if b == nil || b.isEmpty() {
		return
	}
	if n := len(b.parsed.Events); n > 0 && moreToRead && len(b.moved) > 0 {
		written := b.moved[len(b.moved)-1].info.ModTime()
		b.lag = max(0, written.Sub(time.Unix(0, b.parsed.Events[n-1].Time)))
	}
	r.countBacklog(b)
	r.addCursors(b)
	r.batch = nil
	r.queue.Submit(b)
}

func (r *folderReader) addCursors(b *cursorBatch) {
	last := map[string]*trackedFile{}
	for _, f := range b.moved {
		last[f.parsing.format.Name] = f
	}
	for _, f := range b.moved {
		// The newest one's is the only state that will be asked.
		withState := last[f.parsing.format.Name] == f || !r.sharesState(f)
		c := f.nextCursor(withState)
		r.cursors.lastSeq++
		c.Seq = r.cursors.lastSeq
		b.cursors = append(b.cursors, storedCursor{f.record.storageKey(), c, withState})
		if f.record.owner == f {
			f.record.cursor, f.record.unsaved = c, false
		}
	}
}
