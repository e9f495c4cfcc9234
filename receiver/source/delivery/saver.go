package delivery

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

const (
	// saveAgain is the pause after a write that failed.
	saveAgain = time.Second
	// closeLimit bounds the last writes, within the second that a source has to end.
	closeLimit = 400 * time.Millisecond
)

// coalescingSaver stores changes. Those that come while a write is under way make the next one.
type coalescingSaver struct {
	ctx        context.Context // does not end with the source: what was delivered is to be remembered
	cancel     context.CancelFunc
	store      source.Store
	status     *Status
	conditions *conditionlog.Logger

	mu      sync.Mutex
	pending changeSet // committed since the last write began

	unsaved changeSet // of the writes that failed since one did not
	failing bool      // the last write did

	dirty  chan struct{}
	closed chan struct{}
	ended  sync.WaitGroup
}

// changeSet is what is to be stored, by key; nil deletes a key.
type changeSet struct{ first, last map[string][]byte }

func newChangeSet() changeSet { return changeSet{map[string][]byte{}, map[string][]byte{}} }

// addNewer leaves no key in both parts.
func (c changeSet) addNewer(added changeSet) {
	for _, part := range [...]struct{ from, to, other map[string][]byte }{{added.first, c.first, c.last}, {added.last, c.last, c.first}} {
		for key, value := range part.from {
			delete(part.other, key)
			part.to[key] = value
		}
	}
}

func startSaver(ctx context.Context, host source.Host, status *Status) *coalescingSaver {
	s := &coalescingSaver{
		store: host.Store, status: status, conditions: conditionlog.New(host.Log, host.Now),
		pending: newChangeSet(), unsaved: newChangeSet(), dirty: make(chan struct{}, 1), closed: make(chan struct{}),
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.ended.Go(s.saveWhenDirty)
	return s
}

func (s *coalescingSaver) addCommitted(b Batch) {
	added := newChangeSet()
	b.Commit(added.first)
	if dependent, ok := b.(DependentBatch); ok {
		dependent.CommitLast(added.last)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending.addNewer(added)
	select {
	case s.dirty <- struct{}{}:
	default:
	}
}

func (s *coalescingSaver) saveWhenDirty() {
	for {
		select {
		case <-s.dirty:
		case <-s.closed:
			s.saveChanges()
			return
		}
		for !s.saveChanges() {
			again := time.NewTimer(saveAgain)
			select {
			case <-again.C:
			case <-s.closed:
				again.Stop()
				s.saveChanges()
				return
			}
		}
	}
}

func (s *coalescingSaver) saveChanges() bool {
	s.collectPending()
	keys := len(s.unsaved.first) + len(s.unsaved.last)
	if keys == 0 {
		return true
	}
	err := s.store.SetAll(s.ctx, s.unsaved.first)
	if err == nil {
		err = s.store.SetAll(s.ctx, s.unsaved.last)
	}
	if err != nil || s.failing {
		s.status.Set("storage", err)
	}
	s.failing = err != nil
	if err != nil {
		s.conditions.RaiseReason("storage", err, "what was delivered cannot be remembered: it is tried again; after a restart meanwhile those events are delivered again, with the same ids")
		return false
	}
	s.unsaved = newChangeSet()
	s.conditions.Clear("storage", "what was delivered is remembered again", zap.Int("keys", keys))
	return true
}

func (s *coalescingSaver) collectPending() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsaved.addNewer(s.pending)
	s.pending = newChangeSet()
}

func (s *coalescingSaver) stopAndWait() {
	limit := time.AfterFunc(closeLimit, s.cancel)
	defer limit.Stop()
	close(s.closed)
	s.ended.Wait()
	s.cancel()
}
