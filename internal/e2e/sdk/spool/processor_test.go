package spool_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/sdk/spool"
)

func TestLoginsArriveOnceInTheirOrder(t *testing.T) {
	dir, db := paths(t)
	a := launch(t, dir, db)
	var want []string
	for i := range 300 {
		name := fmt.Sprintf("user-%d", i)
		require.NoError(t, a.Login(t.Context(), sessionlog.User(name), sessionlog.Durable()))
		want = append(want, name)
	}
	require.NoError(t, a.provider.ForceFlush(t.Context()))
	require.Equal(t, want, users(t, db))
	require.Zero(t, a.processor.Pending())
	a.leave(t)
	left, _ := segments(t, dir)
	require.Empty(t, left, "what is delivered does not stay on the disk")
}

func TestManyAtOnceShareTheDisk(t *testing.T) {
	dir, db := paths(t)
	a := launch(t, dir, db)
	var all sync.WaitGroup
	for w := range 20 {
		all.Go(func() {
			for i := range 20 {
				if err := a.Login(t.Context(), sessionlog.User(fmt.Sprintf("%d-%d", w, i)), sessionlog.Durable()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	a.leave(t)
	require.Len(t, users(t, db), 400)
}

// TestWhatWasSpooledOutlivesTheProcess: the table is locked as long as the first process lives.
func TestWhatWasSpooledOutlivesTheProcess(t *testing.T) {
	dir, db := paths(t)
	a := launch(t, dir, db)
	unlock := lock(t, db)
	for _, name := range []string{"alice", "bob"} {
		require.NoError(t, a.Login(t.Context(), sessionlog.User(name), sessionlog.Durable()))
	}
	require.Positive(t, a.processor.Pending())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, a.provider.ForceFlush(ctx), context.DeadlineExceeded)
	a.hurry(t)
	unlock()
	require.Empty(t, users(t, db))

	again := launch(t, dir, db)
	require.NoError(t, again.Login(t.Context(), sessionlog.User("carol")))
	again.leave(t)
	require.Equal(t, []string{"alice", "bob", "carol"}, users(t, db))
}

// TestFullSpool: whoever wants a durable event is told in time, whoever does not waits, and nothing granted is missing.
func TestFullSpool(t *testing.T) {
	dir, db := paths(t)
	a := launch(t, dir, db, spool.WithMaxBytes(64<<10))
	unlock := lock(t, db)
	var granted []string
	var refused error
	for refused == nil {
		name := fmt.Sprintf("user-%d", len(granted))
		if refused = a.Login(t.Context(), sessionlog.User(name), sessionlog.UserAgent(strings.Repeat("x", 1000)), sessionlog.DurableWithin(time.Second)); refused == nil {
			granted = append(granted, name)
		}
	}
	require.ErrorIs(t, refused, sessionlog.ErrNotDurable)
	require.ErrorIs(t, refused, context.DeadlineExceeded)
	require.ErrorContains(t, refused, "the spool is full")
	require.Greater(t, len(granted), 20)
	files, size := segments(t, dir)
	require.NotEmpty(t, files)
	require.LessOrEqual(t, size, int64(64<<10))

	patient := make(chan error, 1)
	go func() {
		patient <- a.Login(t.Context(), sessionlog.User("patient"), sessionlog.UserAgent(strings.Repeat("x", 1000)))
	}()
	unlock()
	require.NoError(t, <-patient)
	for i := range 200 { // the spool's room is used again and again
		name := fmt.Sprintf("later-%d", i)
		require.NoError(t, a.Login(t.Context(), sessionlog.User(name), sessionlog.UserAgent(strings.Repeat("x", 1000)), sessionlog.DurableWithin(patience)))
		granted = append(granted, name)
	}
	a.leave(t)
	require.ElementsMatch(t, append(granted, "patient"), users(t, db))
}

// TestAnEmitThatNobodyWaitsForIsNeverGivenUp: a record without our logger's receipt is kept although its context has ended.
func TestAnEmitThatNobodyWaitsForIsNeverGivenUp(t *testing.T) {
	dir, db := paths(t)
	a := launch(t, dir, db)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var login, other log.Record
	login.SetEventName("sessionlog.login")
	other.SetEventName("order.placed")
	for _, r := range []log.Record{login, other, {}} {
		a.provider.Logger("shop").Emit(ctx, r)
	}
	a.leave(t)
	require.Equal(t, []string{""}, users(t, db), "the login, and nothing that is none")
}

func TestARecordTooLargeForTheSpoolIsSaid(t *testing.T) {
	dir, db := paths(t)
	a := launch(t, dir, db, spool.WithMaxBytes(64<<10))
	err := a.Login(t.Context(), sessionlog.Reason(strings.Repeat("x", 40<<10)))
	require.ErrorContains(t, err, "WithMaxBytes")
	require.NotContains(t, err.Error(), "xxx")
	require.NoError(t, a.Login(t.Context(), sessionlog.User("alice"), sessionlog.Durable()))
	a.leave(t)
	require.Len(t, users(t, db), 1)
}

func TestShutdownTurnsAwayWhoWaitsForRoom(t *testing.T) {
	dir, db := paths(t)
	a := launch(t, dir, db, spool.WithMaxBytes(64<<10))
	unlock := lock(t, db)
	defer unlock()
	for a.Login(t.Context(), sessionlog.UserAgent(strings.Repeat("x", 1000)), sessionlog.DurableWithin(100*time.Millisecond)) == nil { //nolint:revive // until it is full
	}
	waits := make(chan error, 1)
	go func() { waits <- a.Login(t.Context(), sessionlog.UserAgent(strings.Repeat("x", 1000))) }()
	a.hurry(t)
	require.Error(t, <-waits)
}

func TestOneFolderHasOneProcess(t *testing.T) {
	dir, db := paths(t)
	a := launch(t, dir, db)
	_, err := spool.NewProcessor(dir, noExporter{})
	require.ErrorContains(t, err, "give each process its own")
	a.leave(t)
	a = launch(t, dir, db)
	a.leave(t)
}

// noExporter is an exporter that is never reached.
type noExporter struct{}

func (noExporter) Export(context.Context, []sdklog.Record) error { return errors.New("nobody is here") }
func (noExporter) ForceFlush(context.Context) error              { return nil }
func (noExporter) Shutdown(context.Context) error                { return nil }
