package sessionlogexporter

import (
	"context"
	"errors"
	"iter"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
)

// countingBackend is a target without ids: it counts how often it took each record, and answers as a test says. Places are those of the batch.
type countingBackend struct {
	backend.Backend
	mu     sync.Mutex
	taken  map[session.ID]int
	answer func(places []int) (rejected []backend.Rejection, partial *backend.PartialError, err error)
}

func (b *countingBackend) Write(_ context.Context, events iter.Seq2[int, *session.Event]) (backend.Result, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids, places := map[int]session.ID{}, []int(nil)
	for n, e := range events {
		ids[n], places = e.RecordID, append(places, n)
	}
	rejected, partial, err := b.answer(places)
	if err != nil {
		return backend.Result{}, err
	}
	for _, r := range rejected {
		delete(ids, r.Index)
	}
	if partial != nil {
		err = partial
		for _, place := range partial.Remaining {
			delete(ids, place)
		}
	}
	for _, id := range ids {
		b.taken[id]++
	}
	return backend.Result{Written: len(ids), Rejected: rejected}, err
}

func (b *countingBackend) wrap(next backend.Backend) backend.Backend {
	b.Backend, b.taken = next, map[session.ID]int{}
	return b
}

// TestTakenRecordsAreNotRepeatedForTheDeadLetter: as long as the rejected one is nowhere, it alone is tried again.
func TestTakenRecordsAreNotRepeatedForTheDeadLetter(t *testing.T) {
	for name, partial := range map[string]*backend.PartialError{"all": nil, "part": {Err: errors.New("busy"), Remaining: []int{7}}} {
		t.Run(name, func(t *testing.T) {
			tries := 0
			target := &countingBackend{answer: func(places []int) ([]backend.Rejection, *backend.PartialError, error) {
				tries++
				refused := []backend.Rejection{{Index: 0, Reason: "poison"}}
				if tries == 1 {
					return []backend.Rejection{{Index: 3, Reason: "poison"}, {Index: 5, Reason: "poison too"}}, partial, nil
				}
				return refused, nil, nil
			}}
			r := startExporter(t, nil, target.wrap)
			r.awaitStatus(t, componentstatus.StatusOK)
			require.NoError(t, os.WriteFile(r.letters, nil, 0o600))
			done := r.send(t.Context(), testEvents(0, 10))
			r.awaitStatus(t, componentstatus.StatusRecoverableError)
			require.Eventually(t, func() bool { target.mu.Lock(); defer target.mu.Unlock(); return tries > 3 }, testTimeout, 10*time.Millisecond)
			require.NoError(t, os.Remove(r.letters))
			require.NoError(t, awaitResult(t, done))
			for id, n := range target.taken {
				require.Equal(t, 1, n, id)
			}
		})
	}
}

// TestErrorOfSeveralBatchesNamesNoRecords: one batch of the call was taken in part and another not at all. A caller that repeats what the error
// names would lose what it does not name.
func TestErrorOfSeveralBatchesNamesNoRecords(t *testing.T) {
	first := true
	target := &countingBackend{answer: func([]int) ([]backend.Rejection, *backend.PartialError, error) {
		if first {
			first = false
			return nil, &backend.PartialError{Err: errors.New("busy"), Remaining: []int{1}}, nil
		}
		return nil, nil, errors.New("away")
	}}
	r := startExporter(t, func(c *Config) {
		c.BackOffConfig.Enabled = false
		batch := c.QueueConfig.Get().Batch.GetOrInsertDefault()
		batch.MinSize, batch.MaxSize = 5, 5
	}, target.wrap)
	err := r.ConsumeLogs(t.Context(), testEvents(0, 10))
	require.ErrorContains(t, err, "busy")
	require.ErrorContains(t, err, "away")
	_, named := errors.AsType[consumererror.Logs](err)
	require.False(t, named)
}

// TestErrorNamesWhatRemains where that is all that failed, also after tries of which the last took nothing.
func TestErrorNamesWhatRemains(t *testing.T) {
	for name, c := range map[string]struct {
		edit      func(*Config)
		others    int
		wantNamed bool
	}{
		"one batch":     {wantNamed: true},
		"beside others": {others: 2},
		"more than the queue can do": {edit: func(c *Config) {
			queue := c.QueueConfig.Get()
			queue.Sizer, queue.QueueSize, queue.Batch.GetOrInsertDefault().MinSize = exporterhelper.RequestSizerTypeItems, 6, 1
		}},
	} {
		t.Run(name, func(t *testing.T) {
			target := &countingBackend{answer: func(places []int) ([]backend.Rejection, *backend.PartialError, error) {
				if len(places) == 2 {
					return nil, &backend.PartialError{Err: errors.New("busy"), Remaining: []int{0, 1}}, nil
				}
				return nil, &backend.PartialError{Err: errors.New("busy"), Remaining: []int{1, 2}}, nil
			}}
			r := startExporter(t, func(cfg *Config) {
				cfg.BackOffConfig.MaxElapsedTime = 100 * time.Millisecond
				if c.edit != nil {
					c.edit(cfg)
				}
			}, target.wrap)
			err := r.ConsumeLogs(t.Context(), withOthers(testEvents(0, 10), c.others))
			require.ErrorContains(t, err, "busy")
			only, named := errors.AsType[consumererror.Logs](err)
			require.Equal(t, c.wantNamed, named)
			if named {
				require.Equal(t, 2, only.Data().LogRecordCount())
			}
		})
	}
}
