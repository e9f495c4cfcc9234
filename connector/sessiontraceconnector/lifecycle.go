package sessiontraceconnector

// startGuard makes a Shutdown without a Start do nothing.
type startGuard struct{ isStarted bool }

func (l *startGuard) start(h *sharedState) error {
	err := h.startConnector()
	l.isStarted = err == nil
	return err
}

func (l *startGuard) stop(h *sharedState) error {
	if !l.isStarted {
		return nil
	}
	l.isStarted = false
	return h.stopConnector()
}
