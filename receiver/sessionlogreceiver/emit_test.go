package sessionlogreceiver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/multierr"

	"github.com/otel-sessionlog/sessionlog/internal/deadletter"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

var (
	errBusy   = errors.New("the backend is away")
	errPoison = errors.New("the backend does not understand")
)

// testPipeline is a consumer that decides about each call, and remembers the users of each.
type testPipeline struct {
	fate func(ctx context.Context, call int, logs plog.Logs) error

	mu    sync.Mutex
	calls [][]string
}

func (p *testPipeline) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

func (p *testPipeline) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	users := usersOf(logs)
	p.mu.Lock()
	p.calls = append(p.calls, users)
	call := len(p.calls)
	p.mu.Unlock()
	if p.fate == nil {
		return nil
	}
	return p.fate(ctx, call, logs)
}

// told are the users of every call so far.
func (p *testPipeline) told() [][]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([][]string(nil), p.calls...)
}

func usersOf(logs plog.Logs) (users []string) {
	for _, e := range plogs.NewDecoder().All(logs) {
		users = append(users, e.User)
	}
	return users
}

// only is logs without the records of other users.
func only(logs plog.Logs, users ...string) plog.Logs {
	out := plog.NewLogs()
	logs.CopyTo(out)
	for _, resource := range out.ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			scope.LogRecords().RemoveIf(func(r plog.LogRecord) bool {
				name, _ := r.Attributes().Get("user.name")
				for _, user := range users {
					if name.Str() == user {
						return false
					}
				}
				return true
			})
		}
	}
	return out
}

// page is one full event of each user.
func page(users ...string) []session.Event {
	out := make([]session.Event, len(users))
	var h session.Hasher
	for i, user := range users {
		sessiontest.Full().CopyTo(&out[i])
		out[i].User, out[i].Message = user, "" // only foreign records bring a message
		out[i].RecordID = h.Start("record", "test", "one").Str(user).RecordID(out[i].Time)
	}
	return out
}

func newTestEmitter(t *testing.T, next consumer.Logs, change func(*Config)) *emitter {
	t.Helper()
	config := createDefaultConfig().(*Config)
	config.DeadLetter.Directory = filepath.Join(t.TempDir(), "letters")
	if change != nil {
		change(config)
	}
	set := receivertest.NewNopSettings(componentType)
	stats, err := newTelemetry(set)
	require.NoError(t, err)
	e, err := newEmitter(set, config, "test", next, stats, &health{host: newTestHost()})
	require.NoError(t, err)
	e.retry = retry{first: time.Millisecond, most: 4 * time.Millisecond}
	e.stop = func(error) {}
	if config.OnRefused == RefusedDeadLetter {
		e.letter, err = deadletter.Open(config.DeadLetter.Directory, "receiver/sessionlog")
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, e.letter.Close()) })
	}
	return e
}

func letterDir(e *emitter) string { return e.letter.Dir() }

// buried are the users in a dead letter.
func buried(t *testing.T, dir string) (users []string) {
	t.Helper()
	for entry, err := range deadletter.Read(dir) {
		require.NoError(t, err)
		users = append(users, usersOf(entry.Record)...)
	}
	return users
}

func TestAPageReachesThePipeline(t *testing.T) {
	var got []session.Event
	next := &testPipeline{fate: func(_ context.Context, _ int, logs plog.Logs) error {
		for _, e := range plogs.NewDecoder().All(logs) {
			var own session.Event
			e.CopyTo(&own)
			got = append(got, own)
		}
		return nil
	}}
	want := page("alice", "bob")
	require.NoError(t, newTestEmitter(t, next, nil).emit(t.Context(), want))
	require.Len(t, got, 2)
	for i := range got {
		require.True(t, want[i].SameContent(&got[i]), "%+v\n%+v", want[i], got[i])
		require.Equal(t, want[i].RecordID, got[i].RecordID)
	}
}

func TestAnEmptyPageIsNotTold(t *testing.T) {
	next := &testPipeline{}
	require.NoError(t, newTestEmitter(t, next, nil).emit(t.Context(), nil))
	require.Empty(t, next.told())
}

// A pipeline that fails for now may have changed the records before: what is told again must be whole.
func TestAPageIsToldUntilItIsTaken(t *testing.T) {
	next := &testPipeline{fate: func(_ context.Context, call int, logs plog.Logs) error {
		logs.ResourceLogs().RemoveIf(func(plog.ResourceLogs) bool { return true })
		if call < 4 {
			return errBusy
		}
		return nil
	}}
	e := newTestEmitter(t, next, nil)
	require.NoError(t, e.emit(t.Context(), page("alice", "bob")))
	same := []string{"alice", "bob"}
	require.Equal(t, [][]string{same, same, same, same}, next.told())
	require.Empty(t, buried(t, letterDir(e)))
}

func TestOnlyWhatFailedIsToldAgain(t *testing.T) {
	next := &testPipeline{fate: func(_ context.Context, call int, logs plog.Logs) error {
		switch call {
		case 1:
			return consumererror.NewLogs(errBusy, only(logs, "bob", "carol"))
		case 2:
			return consumererror.NewLogs(errBusy, only(logs, "carol"))
		}
		return nil
	}}
	require.NoError(t, newTestEmitter(t, next, nil).emit(t.Context(), page("alice", "bob", "carol")))
	require.Equal(t, [][]string{{"alice", "bob", "carol"}, {"bob", "carol"}, {"carol"}}, next.told())
}

// A queue merges the pages of several callers: what failed may be all another's.
func TestAnotherPagesFailureIsNotOurs(t *testing.T) {
	other := plogs.NewEncoder("").Encode(page("mallory"))
	next := &testPipeline{fate: func(context.Context, int, plog.Logs) error { return consumererror.NewLogs(errBusy, other) }}
	require.NoError(t, newTestEmitter(t, next, nil).emit(t.Context(), page("alice")))
	require.Len(t, next.told(), 1)
}

func TestWhatIsRefusedIsKeptAndNeverToldAgain(t *testing.T) {
	for name, c := range map[string]struct {
		refuse func(logs plog.Logs) error
		kept   []string
	}{
		"the whole page": {func(plog.Logs) error { return consumererror.NewPermanent(errPoison) }, []string{"alice", "bob", "carol"}},
		"a part, named inside": {func(l plog.Logs) error {
			return consumererror.NewPermanent(consumererror.NewLogs(errPoison, only(l, "bob")))
		}, []string{"bob"}},
		"a part, named outside": {func(l plog.Logs) error {
			return consumererror.NewLogs(consumererror.NewPermanent(errPoison), only(l, "bob"))
		}, []string{"bob"}},
		"a part without ids": {func(plog.Logs) error {
			return consumererror.NewPermanent(consumererror.NewLogs(errPoison, plog.NewLogs()))
		}, []string{"alice", "bob", "carol"}},
		"by every pipeline": {func(plog.Logs) error {
			return multierr.Append(consumererror.NewPermanent(errPoison), consumererror.NewPermanent(errBusy))
		}, []string{"alice", "bob", "carol"}},
		"by one that says it of many": {func(plog.Logs) error { return consumererror.NewPermanent(errors.Join(errPoison, errBusy)) }, []string{"alice", "bob", "carol"}},
	} {
		t.Run(name, func(t *testing.T) {
			next := &testPipeline{fate: func(_ context.Context, _ int, logs plog.Logs) error { return c.refuse(logs) }}
			e := newTestEmitter(t, next, nil)
			require.NoError(t, e.emit(t.Context(), page("alice", "bob", "carol")))
			require.Len(t, next.told(), 1)
			require.Equal(t, c.kept, buried(t, letterDir(e)))
		})
	}
}

// Behind a fan-out one pipeline may refuse while another only asks to wait: the other one must still get the events.
func TestARefusalDoesNotHideThatAnotherPipelineWaits(t *testing.T) {
	next := &testPipeline{fate: func(_ context.Context, call int, _ plog.Logs) error {
		if call < 3 {
			return multierr.Append(consumererror.NewPermanent(errPoison), errBusy)
		}
		return consumererror.NewPermanent(errPoison)
	}}
	e := newTestEmitter(t, next, nil)
	require.NoError(t, e.emit(t.Context(), page("alice")))
	require.Len(t, next.told(), 3)
	require.Equal(t, []string{"alice"}, buried(t, letterDir(e)))
}

func TestARefusalCanStopTheReceiver(t *testing.T) {
	next := &testPipeline{fate: func(context.Context, int, plog.Logs) error { return consumererror.NewPermanent(errPoison) }}
	e := newTestEmitter(t, next, func(c *Config) { c.OnRefused = RefusedStop })
	var cause error
	e.stop = func(err error) { cause = err }
	err := e.emit(t.Context(), page("alice", "bob"))
	require.ErrorIs(t, err, errPoison)
	require.Equal(t, err, cause)
	require.ErrorContains(t, err, "refuses 2 events for good")
	require.NotContains(t, err.Error(), "alice")
}

// While the dead letter cannot be written, the events are neither lost nor told to the pipeline that has refused them.
func TestADeadLetterThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	next := &testPipeline{fate: func(context.Context, int, plog.Logs) error { return consumererror.NewPermanent(errPoison) }}
	e := newTestEmitter(t, next, nil)
	dir := letterDir(e)
	require.NoError(t, os.WriteFile(dir, []byte("a file in the folder's place"), 0o600))
	host := e.health.host.(*testHost)
	done := make(chan error, 1)
	go func() { done <- e.emit(t.Context(), page("alice")) }()
	host.waitFor(t, func(s string) bool { return s == "StatusRecoverableError" })
	require.NoError(t, os.Remove(dir))
	require.NoError(t, <-done)
	require.Len(t, next.told(), 1)
	require.Equal(t, []string{"alice"}, buried(t, dir))
	host.waitFor(t, func(s string) bool { return s == "StatusOK" })
}

func TestAStopEndsTheWaitingAndPromisesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	next := &testPipeline{fate: func(context.Context, int, plog.Logs) error {
		cancel()
		return errBusy
	}}
	e := newTestEmitter(t, next, nil)
	e.retry = retry{first: time.Hour, most: time.Hour}
	require.ErrorIs(t, e.emit(ctx, page("alice")), context.Canceled)
	require.ErrorIs(t, e.emit(ctx, page("alice")), context.Canceled)
	require.Len(t, next.told(), 1)
}

// What the pipeline has in its hands when the stop comes may still be taken: else it would be told twice.
func TestADeliveryThatHasBegunMayEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	next := &testPipeline{fate: func(work context.Context, _ int, _ plog.Logs) error {
		cancel()
		return work.Err()
	}}
	require.NoError(t, newTestEmitter(t, next, nil).emit(ctx, page("alice")))
}

func TestADeliveryThatHangsIsCutOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	next := &testPipeline{fate: func(work context.Context, _ int, _ plog.Logs) error {
		cancel()
		<-work.Done()
		return work.Err()
	}}
	require.ErrorIs(t, newTestEmitter(t, next, nil).emit(ctx, page("alice")), context.Canceled)
}

func TestManyPagesAtOnce(t *testing.T) {
	next := &testPipeline{}
	e := newTestEmitter(t, next, nil)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				if err := e.emit(t.Context(), page("alice", "bob")); err != nil {
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
