// Package pool lends a backend's connections to its writes, one to each, and closes them when the backend ends.
package pool

import (
	"context"
	"sync"
)

// Pool holds connections of a fixed number. A connection heals itself: one that has broken is given back like any other.
type Pool[L any] struct {
	free    chan struct{} // one for each connection that nobody uses
	stopped error         // the error of a write that comes too late

	mu    sync.Mutex
	links []L // those that nobody uses; the last one was used last, and is lent first: who writes little opens few

	ctx    context.Context // ends with Shutdown: what runs is interrupted when it runs out of time
	cancel context.CancelFunc
	stop   chan struct{} // closed by Shutdown: nothing more is lent
}

// New makes a pool; stopped is the error of whoever asks after Shutdown.
func New[L any](stopped error, links ...L) *Pool[L] {
	ctx, cancel := context.WithCancel(context.Background())
	p := &Pool[L]{free: make(chan struct{}, len(links)), stopped: stopped, ctx: ctx, cancel: cancel, stop: make(chan struct{})}
	for _, l := range links {
		p.giveBack(l)
	}
	return p
}

// Stopping is closed when Shutdown begins.
func (p *Pool[L]) Stopping() <-chan struct{} { return p.stop }

// Context ends when Shutdown has ended, or has run out of time.
func (p *Pool[L]) Context() context.Context { return p.ctx }

// Do lends a connection to use, and waits for one if it must. The context that use is given ends with ctx, or when Shutdown runs out of
// time; an error of use is then that context's cause.
func (p *Pool[L]) Do(ctx context.Context, use func(context.Context, L) error) error {
	l, err := p.acquireFree(ctx)
	if err != nil {
		return err
	}
	defer p.giveBack(l)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(p.ctx, func() { cancel(p.stopped) })()
	if err = use(ctx, l); err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (p *Pool[L]) acquireFree(ctx context.Context) (l L, err error) {
	select {
	case <-p.stop:
		return l, p.stopped
	default:
	}
	select {
	case <-p.stop:
		return l, p.stopped
	case <-ctx.Done():
		return l, context.Cause(ctx)
	case <-p.free:
		return p.takeLast(), nil
	}
}

func (p *Pool[L]) takeLast() L {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.links) - 1
	l := p.links[last]
	p.links = p.links[:last]
	return l
}

func (p *Pool[L]) giveBack(l L) {
	p.mu.Lock()
	p.links = append(p.links, l)
	p.mu.Unlock()
	p.free <- struct{}{}
}

// Shutdown waits for the uses under way, interrupts them when ctx ends, and closes every connection. It is called at most once.
func (p *Pool[L]) Shutdown(ctx context.Context, closeLink func(L)) error {
	close(p.stop)
	defer p.cancel()
	defer context.AfterFunc(ctx, p.cancel)()
	for range cap(p.free) {
		<-p.free
		closeLink(p.takeLast())
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
