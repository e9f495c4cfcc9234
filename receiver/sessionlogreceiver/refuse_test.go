package sessionlogreceiver

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/multierr"
)

func TestWhatIsRefusedIsKeptAndNeverEmittedAgain(t *testing.T) {
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
			next := &testPipeline{respond: func(_ context.Context, _ int, logs plog.Logs) error { return c.refuse(logs) }}
			e := newTestEmitter(t, next, nil)
			require.NoError(t, e.emitBatch(t.Context(), page("alice", "bob", "carol")))
			require.Len(t, next.told(), 1)
			require.Equal(t, c.kept, deadLetteredUsers(t, letterDir(e)))
		})
	}
}

// Behind a fan-out one pipeline may refuse while another only asks to wait: the other one must still get the events.
func TestARefusalDoesNotHideThatAnotherPipelineWaits(t *testing.T) {
	next := &testPipeline{respond: func(_ context.Context, call int, _ plog.Logs) error {
		if call < 3 {
			return multierr.Append(consumererror.NewPermanent(errPoison), errBusy)
		}
		return consumererror.NewPermanent(errPoison)
	}}
	e := newTestEmitter(t, next, nil)
	require.NoError(t, e.emitBatch(t.Context(), page("alice")))
	require.Len(t, next.told(), 3)
	require.Equal(t, []string{"alice"}, deadLetteredUsers(t, letterDir(e)))
}

func TestARefusalCanStopTheReceiver(t *testing.T) {
	next := &testPipeline{respond: func(context.Context, int, plog.Logs) error { return consumererror.NewPermanent(errPoison) }}
	e := newTestEmitter(t, next, func(c *Config) { c.OnRefused = RefusedStop })
	var cause error
	e.stopReceiver = func(err error) { cause = err }
	err := e.emitBatch(t.Context(), page("alice", "bob"))
	require.ErrorIs(t, err, errPoison)
	require.Equal(t, err, cause)
	require.ErrorContains(t, err, "refuses 2 events for good")
	require.NotContains(t, err.Error(), "alice")
}

// While the dead letter cannot be written, the events are neither lost nor told to the pipeline that has refused them.
func TestADeadLetterThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	next := &testPipeline{respond: func(context.Context, int, plog.Logs) error { return consumererror.NewPermanent(errPoison) }}
	e := newTestEmitter(t, next, nil)
	dir := letterDir(e)
	require.NoError(t, os.WriteFile(dir, []byte("a file in the folder's place"), 0o600))
	host := e.health.host.(*testHost)
	done := make(chan error, 1)
	go func() { done <- e.emitBatch(t.Context(), page("alice")) }()
	host.waitFor(t, func(s string) bool { return s == "StatusRecoverableError" })
	require.NoError(t, os.Remove(dir))
	require.NoError(t, <-done)
	require.Len(t, next.told(), 1)
	require.Equal(t, []string{"alice"}, deadLetteredUsers(t, dir))
	host.waitFor(t, func(s string) bool { return s == "StatusOK" })
}
