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

// saver stores changes. Those that come while a write is under way make the next one.
type saver struct {
	ctx        context.Context // does not end with the source: what was delivered is to be remembered
	cancel     context.CancelFunc
	store      source.Store
	status     *Status
	conditions *conditionlog.Logger

	mu      sync.Mutex
	changes map[string][]byte // not in the store yet, by key

	failing bool // the last write did

	dirty  chan struct{}
	closed chan struct{}
	ended  sync.WaitGroup
}

func startSaver(ctx context.Context, host source.Host, status *Status) *saver {
	s := &saver{
		store: host.Store, status: status, conditions: conditionlog.New(host.Log, host.Now),
		changes: map[string][]byte{}, dirty: make(chan struct{}, 1), closed: make(chan struct{}),
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.ended.Go(s.run)
	return s
}

func (s *saver) add(commit func(changes map[string][]byte)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	commit(s.changes)
	select {
	case s.dirty <- struct{}{}:
	default:
	}
}

func (s *saver) run() {
	for {
		select {
		case <-s.dirty:
		case <-s.closed:
			s.save()
			return
		}
		for !s.save() {
			again := time.NewTimer(saveAgain)
			select {
			case <-again.C:
			case <-s.closed:
				again.Stop()
				s.save()
				return
			}
		}
	}
}

func (s *saver) save() bool {
	changes := s.take()
	if len(changes) == 0 {
		return true
	}
	err := s.store.SetAll(s.ctx, changes)
	if err != nil || s.failing {
		s.status.Set("storage", err)
	}
	s.failing = err != nil
	if err != nil {
		s.putBack(changes)
		s.conditions.RaiseReason("storage", err, "what was delivered cannot be remembered: it is tried again; after a restart meanwhile those events are delivered again, with the same ids")
		return false
	}
	s.conditions.Clear("storage", "what was delivered is remembered again", zap.Int("keys", len(changes)))
	return true
}

func (s *saver) take() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.changes
	s.changes = map[string][]byte{}
	return taken
}

// putBack keeps what was not stored, but for keys that have changed since.
func (s *saver) putBack(changes map[string][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, value := range changes {
		if _, newer := s.changes[key]; !newer {
			s.changes[key] = value
		}
	}
}

func (s *saver) close() {
	limit := time.AfterFunc(closeLimit, s.cancel)
	defer limit.Stop()
	close(s.closed)
	s.ended.Wait()
	s.cancel()
}
