package sessionlogexporter

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
)

const (
	// recoveryIdle is how long nobody has written when the exporter asks its failed backend by itself: behind a load balancer that looks at
	// readiness nobody writes until the status says that it works.
	recoveryIdle = time.Minute
	// recoveryTimeout bounds one question.
	recoveryTimeout = 30 * time.Second
)

// watchRecovery reports a backend that works again although nobody writes, until writing must end.
func (e *sessionlogExporter) watchRecovery() {
	ticker := time.NewTicker(e.recoveryIdle / 4)
	defer ticker.Stop()
	for {
		select {
		case <-e.stopped.Done():
			return
		case <-ticker.C:
		}
		cause := e.health.failure()
		if cause == nil || errors.Is(cause, errDeadLetter) || !e.startup.isReady() || e.writes.Load() > 0 ||
			time.Since(time.Unix(0, e.lastWrite.Load())) < e.recoveryIdle {
			continue
		}
		if e.backendWorks() {
			e.reportAvailable()
		}
		e.lastWrite.Store(time.Now().UnixNano()) // ask again after the same pause
	}
}

func (e *sessionlogExporter) backendWorks() bool {
	ctx, cancel := context.WithTimeout(e.stopped, recoveryTimeout)
	defer cancel()
	findings := e.cfg.CheckConnection(ctx)
	return len(findings) > 0 && !slices.ContainsFunc(findings, func(f connectcheck.Finding) bool { return !f.OK })
}

// beginWrite tells watchRecovery that somebody writes, until the function that it gives is called.
func (e *sessionlogExporter) beginWrite() (end func()) {
	e.writes.Add(1)
	return func() {
		e.lastWrite.Store(time.Now().UnixNano())
		e.writes.Add(-1)
	}
}
