package pool

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	errStopped = errors.New("stopped")
	errUse     = errors.New("use failed")
)

func TestEachUseHasAConnectionOfItsOwn(t *testing.T) {
	p := New(errStopped, 1, 2)
	require.ErrorIs(t, p.Do(t.Context(), func(ctx context.Context, a int) error {
		return p.Do(ctx, func(ctx context.Context, b int) error {
			require.ElementsMatch(t, []int{1, 2}, []int{a, b})
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			require.ErrorIs(t, p.Do(ctx, func(context.Context, int) error { return nil }), context.Canceled, "none is left")
			return errUse
		})
	}), errUse)
	var closed []int
	require.NoError(t, p.Shutdown(t.Context(), func(l int) { closed = append(closed, l) }))
	require.ElementsMatch(t, []int{1, 2}, closed)
	require.ErrorIs(t, p.Do(t.Context(), func(context.Context, int) error { return nil }), errStopped)
}

// TestOneConnectionIsEnough for who writes one after the other.
func TestOneConnectionIsEnough(t *testing.T) {
	p := New(errStopped, 1, 2, 3)
	used := map[int]bool{}
	for range 6 {
		require.NoError(t, p.Do(t.Context(), func(_ context.Context, l int) error { used[l] = true; return nil }))
	}
	require.Len(t, used, 1)
	require.NoError(t, p.Shutdown(t.Context(), func(int) {}))
}

// TestShutdownInterrupts a use that waits for ever, and waits for its end before it closes the connection.
func TestShutdownInterrupts(t *testing.T) {
	p := New(errStopped, 1)
	begun, used := make(chan struct{}), make(chan error, 1)
	go func() {
		used <- p.Do(context.Background(), func(ctx context.Context, _ int) error {
			close(begun)
			<-p.Stopping()
			<-ctx.Done()
			return errUse
		})
	}()
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	closed := 0
	require.ErrorIs(t, p.Shutdown(ctx, func(int) { closed++ }), context.Canceled)
	require.ErrorIs(t, <-used, errStopped)
	require.Equal(t, 1, closed)
	require.Error(t, p.Context().Err())
}
