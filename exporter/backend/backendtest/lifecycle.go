package backendtest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
)

// cancelTimeout is how long a call may take to notice that its caller has gone; far more than it should.
const cancelTimeout = 20 * time.Second

func callerGone(t *testing.T, h Harness) {
	s := h.New(t)
	b := openBackend(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	done := make(chan error, 1)
	go func() {
		_, err := b.Write(ctx, reusedEvents(typicalEvents(0, 10)))
		done <- err
	}()
	select {
	case err := <-done:
		require.ErrorIs(t, err, context.Canceled)
	case <-time.After(cancelTimeout):
		t.Fatal("Write does not return when its context has ended")
	}
	requireEvents(t, s)
}

// callerGoneMidway ends the context while the batch is being walked: no promise was made, so whatever is there, writing
// everything again leaves each record once.
func callerGoneMidway(t *testing.T, h Harness) {
	s := h.New(t)
	b := openBackend(t, s)
	all := typicalEvents(0, 2000)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := b.Write(ctx, func(yield func(int, *session.Event) bool) {
		for i, e := range reusedEvents(all) {
			if i == 1000 {
				cancel()
			}
			if !yield(i, e) {
				return
			}
		}
	})
	if err != nil {
		require.ErrorIs(t, err, context.Canceled)
	}
	there := len(s.Events(t))
	require.Contains(t, []int{0, len(all)}, there, "nothing or everything")
	require.Equal(t, backend.Result{Written: len(all) - there, Duplicates: there}, writeEvents(t, b, all...))
	requireEvents(t, s, all...)
}

func testReopen(t *testing.T, h Harness) {
	s := h.New(t)
	for n := range 3 {
		b := s.Backend(t)
		require.NoError(t, b.Start(t.Context()))
		require.Equal(t, backend.Result{Written: 100, Duplicates: 100 * n}, writeEvents(t, b, typicalEvents(0, 100*(n+1))...))
		shutdownBackend(t, b)
		requireEvents(t, s, typicalEvents(0, 100*(n+1))...)
	}
}

// twoStartAtOnce on an empty storage: both find a schema, and both write.
func twoStartAtOnce(t *testing.T, h Harness) {
	s := h.New(t)
	backends := []backend.Backend{s.Backend(t), s.Backend(t), s.Backend(t)}
	started := make(chan error, len(backends))
	for _, b := range backends {
		go func() { started <- b.Start(t.Context()) }()
	}
	for range backends {
		require.NoError(t, <-started)
	}
	for n, b := range backends {
		t.Cleanup(func() { shutdownBackend(t, b) })
		require.Equal(t, backend.Result{Written: 10, Duplicates: 10 * n}, writeEvents(t, b, typicalEvents(0, 10*(n+1))...))
	}
	requireEvents(t, s, typicalEvents(0, 30)...)
}

func afterShutdown(t *testing.T, h Harness) {
	s := h.New(t)
	b := s.Backend(t)
	require.NoError(t, b.Start(t.Context()))
	shutdownBackend(t, b)
	_, err := b.Write(t.Context(), reusedEvents(typicalEvents(0, 1)))
	require.Error(t, err)
	requireEvents(t, s)
}
