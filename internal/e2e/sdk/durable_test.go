package sdk_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/log/noop"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	driver "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/sdk/blocking"
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

// TestEveryProcessorMustHaveKeptIt: of two stores one is locked.
func TestEveryProcessorMustHaveKeptIt(t *testing.T) {
	away := newExporter(t)
	conn, err := driver.OpenConn(away.cfg.Path, driver.OpenReadWrite)
	require.NoError(t, err)
	require.NoError(t, sqlitex.ExecuteTransient(conn, "BEGIN IMMEDIATE", nil))
	s := newStore(t, sdklog.WithProcessor(blocking.NewProcessor(away.exporter)))
	log := sessionlog.NewLogger(s.provider)
	err = log.Login(t.Context(), sessionlog.User("alice"), sessionlog.DurableWithin(300*time.Millisecond))
	require.ErrorIs(t, err, sessionlog.ErrNotDurable)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Len(t, s.events(t), 1, "the other one has it")
	require.NoError(t, conn.Close())
	require.NoError(t, log.Login(t.Context(), sessionlog.User("alice"), sessionlog.DurableWithin(time.Minute)))
}

// later hands records on after OnEmit has returned, as a processor with a queue of its own does.
type later struct {
	sdklog.Processor
	all sync.WaitGroup
}

func (l *later) OnEmit(ctx context.Context, r *sdklog.Record) error {
	kept := r.Clone()
	l.all.Go(func() { _ = l.Processor.OnEmit(context.WithoutCancel(ctx), &kept) })
	return nil
}

func (l *later) Shutdown(ctx context.Context) error {
	l.all.Wait()
	return l.Processor.Shutdown(ctx)
}

// TestAnAnswerThatComesLaterIsNone: what may happen after Login has returned is no promise.
func TestAnAnswerThatComesLaterIsNone(t *testing.T) {
	kept := newExporter(t)
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(&later{Processor: blocking.NewProcessor(kept.exporter)}))
	for range 20 {
		err := sessionlog.NewLogger(provider).Login(t.Context(), sessionlog.User("alice"), sessionlog.Durable())
		require.True(t, err == nil || errors.Is(err, sessionlog.ErrNoProcessor), err)
	}
	require.NoError(t, provider.Shutdown(t.Context()))
}
