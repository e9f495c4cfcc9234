// Package group lets many callers share one slow step, such as an fsync or a request: whoever comes while one is under way
// forms the next group.
package group

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// ErrClosed is returned after [Queue.Close].
var ErrClosed = errors.New("the processor has been shut down: the record was not kept")

// Queue passes the items of concurrent callers to one worker, group by group. Every item has a waiting caller, so the number of callers
// bounds it.
type Queue[T any] struct {
	runItems func(items []T) []error
	maxItems int

	incoming chan *queuedItem[T]
	stop     chan struct{}
	once     sync.Once
	done     chan struct{}
}

// queuedItem is run if the worker claims it first, and withdrawn if its caller does.
type queuedItem[T any] struct {
	item    T
	claimed atomic.Bool
	done    chan struct{}
	err     error
}

// New starts the worker. run gets up to most items, in the order of their arrival, and gives an error for each; nil for all of
// them alike.
func New[T any](most int, run func(items []T) []error) *Queue[T] {
	q := &Queue[T]{runItems: run, maxItems: most, incoming: make(chan *queuedItem[T], most), stop: make(chan struct{}), done: make(chan struct{})}
	go q.runWorker()
	return q
}

// Do waits until the item has been run, and gives its error. When the context ends before that, the item is withdrawn; if it
// is being run at that moment, Do returns all the same, and what became of the item is not known.
func (q *Queue[T]) Do(ctx context.Context, item T) error {
	t := &queuedItem[T]{item: item, done: make(chan struct{})}
	select {
	case <-q.stop:
		return ErrClosed
	default:
	}
	select {
	case q.incoming <- t:
	case <-q.stop:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
		t.claimed.CompareAndSwap(false, true)
		return context.Cause(ctx)
	case <-q.done: // it may have come just when the worker left
		if t.claimed.CompareAndSwap(false, true) {
			return ErrClosed
		}
		<-t.done
		return t.err
	}
}

// Close returns ErrClosed to callers that wait for a group and lets the current group end; wait for that with [Queue.Done].
func (q *Queue[T]) Close() { q.once.Do(func() { close(q.stop) }) }

// Done is closed when the worker has ended.
func (q *Queue[T]) Done() <-chan struct{} { return q.done }

func (q *Queue[T]) runWorker() {
	defer close(q.done)
	var tickets []*queuedItem[T]
	var items []T
	for {
		select {
		case <-q.stop:
			return
		default:
		}
		select {
		case <-q.stop:
			return
		case t := <-q.incoming:
			tickets = q.collectItems(append(tickets[:0], t))
		}
		items = items[:0]
		for _, t := range tickets {
			items = append(items, t.item)
		}
		if len(items) > 0 {
			answerCallers(tickets, q.runItems(items))
		}
		clear(tickets)
		clear(items)
	}
}

func (q *Queue[T]) collectItems(tickets []*queuedItem[T]) []*queuedItem[T] {
	first := tickets[0]
	tickets = tickets[:0]
	for t := first; ; {
		if t.claimed.CompareAndSwap(false, true) {
			tickets = append(tickets, t)
		}
		if len(tickets) == q.maxItems {
			return tickets
		}
		select {
		case t = <-q.incoming:
		default:
			return tickets
		}
	}
}

func answerCallers[T any](tickets []*queuedItem[T], errs []error) {
	for i, t := range tickets {
		if errs != nil {
			t.err = errs[i]
		}
		close(t.done)
	}
}
