package sessionlog_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/log/noop"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
)

// TestDurableWithoutOurProcessorIsAnError: silence is no yes.
func TestDurableWithoutOurProcessorIsAnError(t *testing.T) {
	batch := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(nil)))
	defer func() { require.NoError(t, batch.Shutdown(context.WithoutCancel(t.Context()))) }()
	for name, log := range map[string]*sessionlog.Logger{
		"no provider":           sessionlog.NewLogger(nil),
		"a provider of nothing": sessionlog.NewLogger(noop.NewLoggerProvider()),
		"no processor":          sessionlog.NewLogger(sdklog.NewLoggerProvider()),
		"the batch processor":   sessionlog.NewLogger(batch),
	} {
		err := log.Login(t.Context(), sessionlog.User("alice"), sessionlog.Durable())
		require.ErrorIs(t, err, sessionlog.ErrNotDurable, name)
		require.ErrorIs(t, err, sessionlog.ErrNoProcessor, name)
		require.NoError(t, log.Login(t.Context(), sessionlog.User("alice")), name)
	}
}

func TestDurableAfterShutdownIsAnError(t *testing.T) {
	s := newStore(t)
	log := sessionlog.NewLogger(s.provider)
	require.NoError(t, log.Login(t.Context(), sessionlog.Durable()))
	require.NoError(t, s.provider.Shutdown(t.Context()))
	require.ErrorIs(t, log.Login(t.Context(), sessionlog.Durable()), sessionlog.ErrNotDurable)
	require.Len(t, s.events(t), 1)
}

func TestDurableInAContextThatHasEnded(t *testing.T) {
	s := newStore(t)
	log := sessionlog.NewLogger(s.provider)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := log.Login(ctx, sessionlog.Durable())
	require.ErrorIs(t, err, sessionlog.ErrNotDurable)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, log.Login(t.Context(), sessionlog.DurableWithin(-time.Second)), context.DeadlineExceeded)
	require.Empty(t, s.events(t))
}
