package sessiontraceconnector

import "sync"

// lifecycle of one connector: it enters its hub once and exits once, and a Shutdown without a Start is no mistake.
type lifecycle struct {
	mu      sync.Mutex
	entered bool
}

func (l *lifecycle) enter(h *sharedState) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.entered {
		return nil
	}
	err := h.start()
	l.entered = err == nil
	return err
}

func (l *lifecycle) exit(h *sharedState) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.entered {
		return nil
	}
	l.entered = false
	return h.leave()
}

func (l *lifecycle) running() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.entered
}
