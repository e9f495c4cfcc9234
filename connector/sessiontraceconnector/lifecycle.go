package sessiontraceconnector

import "sync"

// startGuard makes a second Start, and a Shutdown without a Start, do nothing.
type startGuard struct {
	mu      sync.Mutex
	started bool
}

func (l *startGuard) startUnlessStarted(h *sharedState) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.started {
		return nil
	}
	err := h.startConnector()
	l.started = err == nil
	return err
}

func (l *startGuard) stopIfStarted(h *sharedState) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.started {
		return nil
	}
	l.started = false
	return h.stopConnector()
}

func (l *startGuard) isRunning() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.started
}
