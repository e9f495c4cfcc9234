package sessionlogexplorer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
)

var (
	// errBusy is the answer to a question for which no store became free in time.
	errBusy = errors.New("other questions are being answered, as many as max_questions allows: ask again in a moment")
	// errStopping is the answer while the collector stops.
	errStopping = errors.New("the collector is stopping: ask again when it has started")
)

const (
	queueTime   = 5 * time.Second // how long a question waits for others to be answered
	maxStoreAge = time.Minute     // then it is opened anew: the file at its path may be another one
)

type openStoreFunc func(context.Context) (query.Store, error)

// storePool opens the backend for questions, so many at a time, and keeps what is open for the next ones.
type storePool struct {
	open      openStoreFunc
	slots     chan struct{}
	queueTime time.Duration
	stopped   chan struct{} // closed by close

	mu   sync.Mutex
	idle []openStore
}

type openStore struct {
	query.Store
	opened time.Time
}

func newStorePool(open openStoreFunc, size int) *storePool {
	return &storePool{open: open, slots: make(chan struct{}, size), queueTime: queueTime, stopped: make(chan struct{})}
}

func (p *storePool) askPooledStore(ctx context.Context, do func(query.Store) error) error {
	wait := time.NewTimer(p.queueTime)
	defer wait.Stop()
	select {
	case <-p.stopped:
		return errStopping
	default:
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-p.stopped:
		return errStopping
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
		_ = store.Close() // what state its connection is in nobody knows
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, store)
	return nil
}

func (p *storePool) takeStore(ctx context.Context) (openStore, error) {
	for {
		store, found := p.takeIdle()
		if !found {
			opened, err := p.open(ctx)
			return openStore{opened, time.Now()}, err
		}
		if time.Since(store.opened) < maxStoreAge {
			return store, nil
		}
		_ = store.Close()
	}
}

func (p *storePool) takeIdle() (store openStore, found bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle) - 1
	if n < 0 {
		return openStore{}, false
	}
	store = p.idle[n]
	p.idle = p.idle[:n]
	return store, true
}

// closeStores takes no more questions, waits for those that are being answered, and closes what is open. Who asks has been stopped.
func (p *storePool) closeStores() error {
	select {
	case <-p.stopped:
		return nil
	default:
		close(p.stopped)
	}
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, store := range p.idle {
		errs = append(errs, store.Close())
	}
	p.idle = nil
	return errors.Join(errs...)
}
