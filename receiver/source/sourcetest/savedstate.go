package sourcetest

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/session"
)

// savedState is what a build has stored in the middle of its reading, and the record ids of what it delivered when it went on.
type savedState struct {
	Values map[string][]byte `json:"values"`
	IDs    []string          `json:"ids"`
}

// CheckSavedState reads a golden file that an earlier build has written, and runs a source from its state on: what is delivered must be the rest, with
// the ids that are there. UPDATE_STATE=1 writes the file: after that, an upgrade reads differently. newSource makes a source of the same content each
// time, of which more than three batches are delivered.
func CheckSavedState(t *testing.T, file string, newSource func() source.Source) {
	t.Helper()
	if os.Getenv("UPDATE_STATE") != "" {
		state := stopInTheMiddle(t, newSource())
		state.IDs = deliverRest(t, newSource(), state.Values, 0)
		text, err := json.MarshalIndent(state, "", " ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, append(text, '\n'), 0o600))
	}
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var golden savedState
	require.NoError(t, json.Unmarshal(text, &golden))
	require.NotEmpty(t, golden.IDs)
	require.Equal(t, golden.IDs, deliverRest(t, newSource(), golden.Values, len(golden.IDs)))
}

// stopInTheMiddle has a source stop after some batches.
func stopInTheMiddle(t *testing.T, src source.Source) savedState {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	store := &Store{}
	require.NoError(t, src.Run(ctx, Host(t, &Recorder{Fate: func(_ context.Context, call int, _ []session.Event) error {
		if call > 3 {
			cancel()
		}
		return ctx.Err()
	}}, store, nil)))
	return savedState{Values: store.data}
}

// deliverRest runs a source until so many events are delivered and no more come.
func deliverRest(t *testing.T, src source.Source, values map[string][]byte, atLeast int) (ids []string) {
	t.Helper()
	const noMore = 300 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rest, done := &Recorder{}, make(chan error, 1)
	host := Host(t, rest, &Store{data: maps.Clone(values)}, nil)
	go func() { done <- src.Run(ctx, host) }()
	rest.waitUntil(t, "the rest was not delivered", func() bool { return len(rest.Delivered()) >= atLeast })
	time.Sleep(noMore)
	cancel()
	require.NoError(t, <-done)
	for _, e := range rest.Delivered() {
		ids = append(ids, e.RecordID.String())
	}
	slices.Sort(ids)
	return ids
}
