package file_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

// One page has the rows of many small files. None of their cursors is there before the pipeline has taken it, all are afterwards.
func TestAPageOfManyFilesMovesAllTheirCursorsOnceItIsTaken(t *testing.T) {
	dir := t.TempDir()
	want := many("u", 20)
	for n, user := range want {
		write(t, filepath.Join(dir, fmt.Sprintf("%02d.jsonl", n)), rowsOf(user))
	}
	cfg, store := config(filepath.Join(dir, "*")), &sourcetest.Store{}
	var before *sourcetest.Store
	j := newJob(t)
	j.Fate = func(_ context.Context, call int, page []session.Event) error {
		if len(page) != len(want) {
			return fmt.Errorf("a page of %d events", len(page))
		}
		if call < 2 {
			return errors.New("not now")
		}
		before = store.Fork()
		return nil
	}
	j.begin(t, newSource(t, cfg), store)
	await(t, "the page was not taken", func() bool { return len(j.Delivered()) >= len(want) })
	j.stop(t)
	require.ElementsMatch(t, want, j.users())
	for path, cursor := range cursors(t, before) {
		require.Zero(t, cursor.Offset, path)
	}
	require.Len(t, cursors(t, store), len(want))
	require.Empty(t, once(t, cfg, store).users(), "told again although it was taken")
	require.ElementsMatch(t, want, once(t, cfg, before).users(), "not told although it was never taken")
}
