// Package delivery hands batches of events to the pipeline, several at a time, and stores how far they have come.
//
// Batches are committed strictly in the order of their submission: a later one that was taken first waits for those before it. The
// receiver owns retries: [source.Emit] returns when a batch has been taken, or when the source must end. What is to be stored
// coalesces while a write is under way, and a write that fails is tried again without holding up the reading: a process that is
// killed meanwhile delivers those events again, with the same ids.
package delivery

import (
	"context"
	"sync"
	"unsafe"

	"github.com/otel-sessionlog/sessionlog/internal/writesize"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Batch is what is delivered and committed as one. All its methods but Events are called by one goroutine at a time.
type Batch interface {
	// Events go to the pipeline. A batch without events is committed in its turn.
	Events() []session.Event
	// TextBytes is the memory that the strings of the events keep alive.
	TextBytes() int
	// Commit notes that this batch and all before it have been delivered. It adds to changes what is now to be stored, by the key of
	// the store; nil deletes a key. A process that is killed may leave any part of it in the store.
	Commit(changes map[string][]byte)
	// Reset makes the batch ready to be filled again.
	Reset()
}

// DependentBatch has changes that say nothing true without those of Commit.
type DependentBatch interface {
	Batch
	// CommitLast adds to changes what is stored once all that Commit added is: a store need not write several keys as one.
	CommitLast(changes map[string][]byte)
}

const (
	// maxInFlight is how many batches may be submitted and not committed.
	maxInFlight = 4
	// writesInFlight is how many writes of an exporter they may make where it has said how large it likes them: one is written, the next comes
	// together.
	writesInFlight    = 2
	mostSmallInFlight = 64
	// maxBytesInFlight bounds the events of those batches and their text: no batch is filled while there is more.
	maxBytesInFlight = 16 << 20
	eventBytes       = int(unsafe.Sizeof(session.Event{}))
)

// Queue delivers batches. One goroutine acquires, fills and submits them.
type Queue[B Batch] struct {
	ctx       context.Context
	emit      source.Emit
	maxEvents int
	newBatch  func() B
	wanted    *writesize.WantedRecords // by exporters
	saver     *coalescingSaver
	submitted chan inFlightBatch[B]
	committed sync.WaitGroup

	mu       sync.Mutex
	changed  *sync.Cond
	unhook   func() bool
	free     []B // last in, first out: buffers that are not needed are not touched
	inFlight int
	bytes    int
	err      error // why nothing is committed any more
}

type inFlightBatch[B Batch] struct {
	batch  B
	bytes  int
	result chan error
}

// New makes a queue that works until ctx ends. The pipeline gets at most maxEvents events at once. Close ends it.
func New[B Batch](ctx context.Context, host source.Host, status *Status, maxEvents int, newBatch func() B) *Queue[B] {
	q := &Queue[B]{
		ctx: ctx, emit: host.Emit, maxEvents: maxEvents, newBatch: newBatch, wanted: &writesize.WantedRecords{},
		saver: startSaver(ctx, host, status), submitted: make(chan inFlightBatch[B], mostSmallInFlight),
	}
	q.changed = sync.NewCond(&q.mu)
	q.unhook = context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.changed.Broadcast()
	})
	q.committed.Go(q.commitInOrder)
	return q
}

// Acquire is an empty batch to fill. It waits while too much is in flight. After an error, which is that of ctx or of a delivery,
// nothing is committed any more and the source is to end.
func (q *Queue[B]) Acquire() (B, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.err == nil && q.ctx.Err() == nil && q.isFull() {
		q.changed.Wait()
	}
	if err := q.firstFailure(); err != nil {
		var none B
		return none, err
	}
	if last := len(q.free) - 1; last >= 0 {
		b := q.free[last]
		q.free = q.free[:last]
		return b, nil
	}
	return q.newBatch(), nil
}

func (q *Queue[B]) isFull() bool {
	wanted := writesInFlight * q.wanted.Records()
	return q.inFlight >= min(max(maxInFlight, wanted/q.maxEvents), mostSmallInFlight) || q.bytes >= max(maxBytesInFlight, wanted*eventBytes*2)
}

func (q *Queue[B]) firstFailure() error {
	if q.err != nil {
		return q.err
	}
	return context.Cause(q.ctx)
}

// AcquireInto acquires a batch where there is none yet, and reports whether there is one to fill: without, the source is to end.
func AcquireInto[B interface {
	*T
	Batch
}, T any](q *Queue[B], batch *B) bool {
	if *batch != nil {
		return true
	}
	acquired, err := q.Acquire()
	if err == nil {
		*batch = acquired
	}
	return err == nil
}

// Release takes back an acquired batch that is not submitted.
func (q *Queue[B]) Release(b B) {
	b.Reset()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free = append(q.free, b)
}

// Submit delivers an acquired batch, which is the queue's from now on.
func (q *Queue[B]) Submit(b B) {
	events := b.Events()
	f := inFlightBatch[B]{batch: b, bytes: len(events)*eventBytes + b.TextBytes(), result: make(chan error, 1)}
	q.mu.Lock()
	q.inFlight++
	q.bytes += f.bytes
	q.mu.Unlock()
	go func() { f.result <- q.deliverEvents(events) }()
	q.submitted <- f
}

func (q *Queue[B]) deliverEvents(events []session.Event) error {
	if err := context.Cause(q.ctx); err != nil {
		return err
	}
	ctx := writesize.NewContext(q.ctx, q.wanted)
	for len(events) > 0 {
		part := events[:min(len(events), q.maxEvents)]
		if err := q.emit(ctx, part); err != nil {
			return err
		}
		events = events[len(part):]
	}
	return nil
}

func (q *Queue[B]) commitInOrder() {
	failed := false
	for f := range q.submitted {
		err := <-f.result
		if err == nil && !failed {
			q.saver.addCommitted(f.batch)
		}
		failed = failed || err != nil
		f.batch.Reset()
		q.finishBatch(f, err)
	}
}

func (q *Queue[B]) finishBatch(f inFlightBatch[B], err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.err = err
	}
	q.inFlight--
	q.bytes -= f.bytes
	q.free = append(q.free, f.batch)
	q.changed.Broadcast()
}

// Drain waits until everything that was submitted has been committed. It need not be stored by then. After an error some of it
// was not.
func (q *Queue[B]) Drain() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.inFlight > 0 {
		q.changed.Wait()
	}
	return q.err
}

// Close waits for what is under way, and stores what was committed.
func (q *Queue[B]) Close() {
	close(q.submitted)
	q.committed.Wait()
	q.unhook()
	q.saver.stopAndWait()
}
