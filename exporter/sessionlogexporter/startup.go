package sessionlogexporter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

// firstStartTimeout is how long Start waits for the backend's first attempt: a mistake of the configuration then still fails it.
const firstStartTimeout = 5 * time.Second

const backendUnavailable = "backend unavailable"

var errConnecting = errors.New("the first connection is being made")

// backendStartup starts the backend and goes on trying while that fails, so that a server that is down at start ends neither the
// collector nor its other pipelines.
type backendStartup struct {
	ready        chan struct{} // closed when the backend has started
	retriesEnded chan struct{} // closed when no more attempts are made; nil before the first attempt

	mu     sync.Mutex
	reason error // why the backend is not ready
}

func newBackendStartup() *backendStartup {
	return &backendStartup{ready: make(chan struct{}), reason: errConnecting}
}

func (s *backendStartup) isReady() bool {
	select {
	case <-s.ready:
		return true
	default:
		return false
	}
}

func (s *backendStartup) notReadyError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Errorf("the backend is not ready, so nothing of this was kept: %w", s.reason)
}

func (s *backendStartup) setReason(reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reason = reason
}

// startBackend returns when the backend has started, or when it is clear or likely that this takes long. Its error is one of the
// configuration that no waiting mends.
func (e *sessionlogExporter) startBackend() error {
	e.startup.retriesEnded = make(chan struct{})
	first := make(chan error, 1)
	go e.startWithRetry(first)
	timeout := time.NewTimer(firstStartTimeout)
	defer timeout.Stop()
	select {
	case err := <-first:
		if errors.Is(err, backend.ErrMisconfigured) {
			e.cancelWrites()
			<-e.startup.retriesEnded
			return err
		}
	case <-timeout.C:
		e.reportUnavailable(errConnecting)
	}
	return nil
}

func (e *sessionlogExporter) startWithRetry(first chan<- error) {
	defer close(e.startup.retriesEnded)
	pauses := &backoff.ExponentialBackOff{InitialInterval: time.Second, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: 30 * time.Second}
	for {
		err := e.backend.Start(e.writeContext)
		if err == nil {
			e.reportAvailable()
			close(e.startup.ready)
		} else if e.writeContext.Err() == nil && (first == nil || !errors.Is(err, backend.ErrMisconfigured)) {
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
		case <-e.writeContext.Done():
			return
		case <-time.After(pauses.NextBackOff()):
		}
	}
}

func (e *sessionlogExporter) holdUntilBackendStarted(ctx context.Context) error {
	select {
	case <-e.startup.ready:
		return nil
	default:
	}
	select {
	case <-e.startup.ready:
		return nil
	case <-ctx.Done():
		return e.startup.notReadyError()
	}
}

func (e *sessionlogExporter) reportUnavailable(reason error) {
	e.startup.setReason(reason)
	e.status.reportFailure(reason)
	e.conditions.RaiseReason(backendUnavailable, reason, "the backend cannot be written to: events wait at their source until it can; the exporter keeps trying",
		zap.String("key", e.destination.Key))
}

func (e *sessionlogExporter) reportAvailable() {
	e.status.reportOK()
	e.conditions.Clear(backendUnavailable, "the backend can be written to again", zap.String("key", e.destination.Key))
}
