package sessionlogexporter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

const (
	// startPatience is how long Start waits for the backend's first attempt: a mistake of the configuration then still fails it.
	startPatience = 5 * time.Second
	// startRetryFirst and startRetryLast are the waits between attempts, the first and the longest.
	startRetryFirst, startRetryLast = time.Second, 30 * time.Second
)

const backendUnavailable = "backend unavailable"

var errConnecting = errors.New("the first connection is being made")

// backendStartup starts the backend and goes on trying while that fails, so that a server that is down at start ends neither the
// collector nor its other pipelines.
type backendStartup struct {
	ready chan struct{} // closed when the backend has started
	ended chan struct{} // closed when nobody tries any more; nil before the first attempt

	mu     sync.Mutex
	reason error // why the backend is not ready
}

func newBackendStartup() *backendStartup {
	return &backendStartup{ready: make(chan struct{}), reason: errConnecting}
}

// isReady tells whether the backend has started.
func (s *backendStartup) isReady() bool {
	select {
	case <-s.ready:
		return true
	default:
		return false
	}
}

// notReady is the answer to whoever hands in events while the backend is not there: nothing was kept, and another try makes sense.
func (s *backendStartup) notReady() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Errorf("the backend is not ready, so nothing of this was kept: %w", s.reason)
}

func (s *backendStartup) failed(reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reason = reason
}

// startBackend returns when the backend has started, or when it is clear or likely that this takes long. Its error is one of the
// configuration that no waiting mends.
func (e *sessionlogExporter) startBackend() error {
	e.startup.ended = make(chan struct{})
	first := make(chan error, 1)
	go e.keepStarting(first)
	patience := time.NewTimer(startPatience)
	defer patience.Stop()
	select {
	case err := <-first:
		if errors.Is(err, backend.ErrMisconfigured) {
			e.stop()
			<-e.startup.ended
			return err
		}
	case <-patience.C:
		e.reportUnavailable(errConnecting)
	}
	return nil
}

// keepStarting tells the outcome of the first attempt to first, and tries on until one succeeds or writing must end.
func (e *sessionlogExporter) keepStarting(first chan<- error) {
	defer close(e.startup.ended)
	wait := startRetryFirst
	for {
		err := e.backend.Start(e.stopped)
		if err == nil {
			e.reportAvailable()
			close(e.startup.ready)
		} else if e.stopped.Err() == nil && (first == nil || !errors.Is(err, backend.ErrMisconfigured)) {
			e.reportUnavailable(err)
		}
		if first != nil {
			first <- err
			first = nil
		}
		if err == nil {
			return
		}
		select {
		case <-e.stopped.Done():
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, startRetryLast)
	}
}

// awaitBackend blocks a batch that is in the queue already, until the backend is there or writing must end.
func (e *sessionlogExporter) awaitBackend(ctx context.Context) error {
	select {
	case <-e.startup.ready:
		return nil
	default:
	}
	select {
	case <-e.startup.ready:
		return nil
	case <-ctx.Done():
		return e.startup.notReady()
	}
}

// reportUnavailable says in the log, in the component's status and to senders that nothing can be written, and why.
func (e *sessionlogExporter) reportUnavailable(reason error) {
	e.startup.failed(reason)
	e.health.unwell(reason)
	e.conditions.RaiseReason(backendUnavailable, reason, "the backend cannot be written to: events wait where they come from until it can; it is tried again and again",
		zap.String("key", e.backendKey))
}

func (e *sessionlogExporter) reportAvailable() {
	e.health.well()
	e.conditions.Clear(backendUnavailable, "the backend can be written to again", zap.String("key", e.backendKey))
}
