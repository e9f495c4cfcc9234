package sessionlogexplorer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
)

// errBusy is the answer to a question for which no store became free in time.
var errBusy = errors.New("other questions are being answered, as many as max_questions allows: ask again in a moment")

// maxQueueTime is how long a question waits for others to be answered.
const maxQueueTime = 5 * time.Second

// storePool opens the backend for questions, so many at a time, and keeps what is open for the next ones.
type storePool struct {
	open  openStoreFunc
	slots chan struct{}

	mu     sync.Mutex
	idle   []query.Store
	closed bool
}

func newStorePool(open openStoreFunc, size int) *storePool {
	return &storePool{open: open, slots: make(chan struct{}, size)}
}

// ask calls do with a store of its own.
func (p *storePool) ask(ctx context.Context, do func(query.Store) error) error {
	wait := time.NewTimer(maxQueueTime)
	defer wait.Stop()
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-wait.C:
		return errBusy
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	store, err := p.takeStore(ctx)
	if err != nil {
		return err
	}
	if err := do(store); err != nil {
		return errors.Join(err, store.Close()) // what state its connection is in nobody knows
	}
	return p.putBack(store)
}

func (p *storePool) takeStore(ctx context.Context) (query.Store, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		store := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return store, nil
	}
	p.mu.Unlock()
	defer p.mu.Lock()
	return p.open(ctx)
}

func (p *storePool) putBack(store query.Store) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return store.Close()
	}
	p.idle = append(p.idle, store)
	return nil
}

// close closes what is idle now and what is put back later.
func (p *storePool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	var errs []error
	for _, store := range p.idle {
		errs = append(errs, store.Close())
	}
	p.idle = nil
	return errors.Join(errs...)
}
