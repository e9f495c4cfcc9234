package sessionlogreceiver

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

func TestABatchReachesThePipeline(t *testing.T) {
	var got []session.Event
	next := &testPipeline{respond: func(_ context.Context, _ int, logs plog.Logs) error {
		for _, e := range plogs.NewDecoder().All(logs) {
			var own session.Event
			e.CopyTo(&own)
			got = append(got, own)
		}
		return nil
	}}
	want := page("alice", "bob")
	require.NoError(t, newTestEmitter(t, next, nil).emitBatch(t.Context(), want))
	require.Len(t, got, 2)
	for i := range got {
		require.True(t, sessiontest.SameContent(&want[i], &got[i]), "%+v\n%+v", want[i], got[i])
		require.Equal(t, want[i].RecordID, got[i].RecordID)
	}
}

func TestAnEmptyBatchIsNotEmitted(t *testing.T) {
	next := &testPipeline{}
	require.NoError(t, newTestEmitter(t, next, nil).emitBatch(t.Context(), nil))
	require.Empty(t, next.told())
}

// A pipeline that fails for now may have changed the records before: what is told again must be whole.
func TestABatchIsEmittedUntilItIsTaken(t *testing.T) {
	next := &testPipeline{respond: func(_ context.Context, call int, logs plog.Logs) error {
		logs.ResourceLogs().RemoveIf(func(plog.ResourceLogs) bool { return true })
		if call < 4 {
			return errBusy
		}
		return nil
	}}
	e := newTestEmitter(t, next, nil)
	require.NoError(t, e.emitBatch(t.Context(), page("alice", "bob")))
	same := []string{"alice", "bob"}
	require.Equal(t, [][]string{same, same, same, same}, next.told())
	require.Empty(t, deadLetteredUsers(t, letterDir(e)))
}

func TestOnlyWhatFailedIsEmittedAgain(t *testing.T) {
	next := &testPipeline{respond: func(_ context.Context, call int, logs plog.Logs) error {
		switch call {
		case 1:
			return consumererror.NewLogs(errBusy, only(logs, "bob", "carol"))
		case 2:
			return consumererror.NewLogs(errBusy, only(logs, "carol"))
		}
		return nil
	}}
	require.NoError(t, newTestEmitter(t, next, nil).emitBatch(t.Context(), page("alice", "bob", "carol")))
	require.Equal(t, [][]string{{"alice", "bob", "carol"}, {"bob", "carol"}, {"carol"}}, next.told())
}

// A queue merges the pages of several callers: what failed may be all another's.
func TestTheFailureOfAnotherBatchIsNotOurs(t *testing.T) {
	other := plogs.NewEncoder("").Encode(page("mallory"))
	next := &testPipeline{respond: func(context.Context, int, plog.Logs) error { return consumererror.NewLogs(errBusy, other) }}
	require.NoError(t, newTestEmitter(t, next, nil).emitBatch(t.Context(), page("alice")))
	require.Len(t, next.told(), 1)
}

func TestAStopEndsTheWaitingAndPromisesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	next := &testPipeline{respond: func(context.Context, int, plog.Logs) error {
		cancel()
		return errBusy
	}}
	e := newTestEmitter(t, next, nil)
	e.retry = retryPolicy{firstPause: time.Hour, longestPause: time.Hour}
	require.ErrorIs(t, e.emitBatch(ctx, page("alice")), context.Canceled)
	require.ErrorIs(t, e.emitBatch(ctx, page("alice")), context.Canceled)
	require.Len(t, next.told(), 1)
}

// What the pipeline has in its hands when the stop comes may still be taken: else it would be told twice.
func TestADeliveryThatHasBegunMayEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	next := &testPipeline{respond: func(work context.Context, _ int, _ plog.Logs) error {
		cancel()
		return work.Err()
	}}
	require.NoError(t, newTestEmitter(t, next, nil).emitBatch(ctx, page("alice")))
}

func TestADeliveryThatHangsIsCutOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	next := &testPipeline{respond: func(work context.Context, _ int, _ plog.Logs) error {
		cancel()
		<-work.Done()
		return work.Err()
	}}
	require.ErrorIs(t, newTestEmitter(t, next, nil).emitBatch(ctx, page("alice")), context.Canceled)
}

func TestManyBatchesAtOnce(t *testing.T) {
	next := &testPipeline{}
	e := newTestEmitter(t, next, nil)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				if err := e.emitBatch(t.Context(), page("alice", "bob")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	require.Len(t, next.told(), 160)
	for _, users := range next.told() {
		require.Equal(t, []string{"alice", "bob"}, users)
	}
}

// A receiver that gave up would lose what it had taken: the source hears nil once the pipeline has it, be that a week later.
func TestAPipelineThatIsAwayForAWeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		next := &testPipeline{respond: func(_ context.Context, _ int, logs plog.Logs) error {
			if time.Since(began) < 7*24*time.Hour {
				return consumererror.NewLogs(errBusy, logs)
			}
			return nil
		}}
		r, logs := newTestReceiver(t, idle, next, nil)
		r.health.host = newTestHost()
		require.NoError(t, r.emitter.emitBatch(t.Context(), page("alice")))
		require.GreaterOrEqual(t, time.Since(began), 7*24*time.Hour)
		require.Greater(t, len(next.told()), 10_000)
		warnings := logs.FilterLevelExact(zap.WarnLevel).FilterMessageSnippet("the pipeline does not take events").Len()
		require.InDelta(t, 7*24*6, warnings, 60, "once, then every ten minutes")
	})
}

// Of several deliveries at once, as of two files or two nodes, one that succeeds says nothing of one that is stuck.
func TestTheStatusIsThatOfTheDeliveryThatIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		next := &testPipeline{respond: func(_ context.Context, _ int, logs plog.Logs) error {
			if user := only(logs, "stuck"); user.LogRecordCount() > 0 && time.Since(began) < time.Hour {
				return errBusy
			}
			return nil
		}}
		r, logs := newTestReceiver(t, idle, next, nil)
		host := newTestHost()
		r.health.host = host
		done := make(chan error)
		go func() { done <- r.emitter.emitBatch(t.Context(), page("stuck")) }()
		for range 10 {
			time.Sleep(time.Minute)
			require.NoError(t, r.emitter.emitBatch(t.Context(), page("other")))
		}
		statuses, _ := host.statuses()
		require.Equal(t, []string{"StatusRecoverableError"}, statuses)
		require.NoError(t, <-done)
		statuses, _ = host.statuses()
		require.Equal(t, []string{"StatusRecoverableError", "StatusOK"}, statuses)
		require.Equal(t, 1, logs.FilterMessage("the pipeline takes events again").Len())
	})
}

// A caller that goes away takes its delivery with it, but not the news that the pipeline takes nothing.
func TestADeliveryThatWasGivenUpIsNotForgotten(t *testing.T) {
	fails := true
	next := &testPipeline{respond: func(context.Context, int, plog.Logs) error {
		if fails {
			return errBusy
		}
		return nil
	}}
	e := newTestEmitter(t, next, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.Error(t, e.emitBatch(ctx, page("alice")))
	require.Empty(t, e.health.failing)
	require.Equal(t, errBusy.Error(), e.health.reportedText)
	fails = false
	require.NoError(t, e.emitBatch(t.Context(), page("bob")))
	require.Empty(t, e.health.reportedText)
}
