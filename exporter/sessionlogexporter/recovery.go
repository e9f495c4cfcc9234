package sessionlogexporter

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
)

const (
	// recoveryIdle after the last write the exporter checks a failed backend by itself: behind a load balancer that checks readiness nobody
	// writes until the status is OK.
	recoveryIdle    = time.Minute
	recoveryTimeout = 30 * time.Second
)

func (e *sessionlogExporter) watchRecovery() {
	ticker := time.NewTicker(e.recoveryIdle / 4)
	defer ticker.Stop()
	for {
		select {
		case <-e.writeContext.Done():
			return
		case <-ticker.C:
		}
		cause := e.status.currentFailure()
		if cause == nil || errors.Is(cause, errDeadLetter) || !e.startup.isReady() || e.writesInProgress.Load() > 0 ||
			time.Since(time.Unix(0, e.lastWriteEnd.Load())) < e.recoveryIdle {
			continue
		}
		if e.backendWorks() {
			e.reportAvailable()
		}
		e.lastWriteEnd.Store(time.Now().UnixNano()) // ask again after the same pause
	}
}

func (e *sessionlogExporter) backendWorks() bool {
	ctx, cancel := context.WithTimeout(e.writeContext, recoveryTimeout)
	defer cancel()
	findings := e.destination.Check(ctx)
	return len(findings) > 0 && !slices.ContainsFunc(findings, func(f connectcheck.Finding) bool { return !f.OK })
}

func (e *sessionlogExporter) beginWrite() (end func()) {
	e.writesInProgress.Add(1)
	return func() {
		e.lastWriteEnd.Store(time.Now().UnixNano())
		e.writesInProgress.Add(-1)
	}
}
