package file_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

func newJob(testing.TB) *job {
	return &job{Recorder: &sourcetest.Recorder{}, done: make(chan error, 1)}
}

// stopAfter ends the source once n pages were delivered.
func stopAfter(j *job, n int) func(context.Context, int, []session.Event) error {
	return func(ctx context.Context, call int, _ []session.Event) error {
		if call > n {
			return context.Canceled
		}
		if call == n {
			j.cancel()
		}
		return nil
	}
}

// stopAfterIDs ends the source once these events were delivered, which come one a batch. No other is: several batches are under way.
func stopAfterIDs(j *job, wanted []session.ID) func(context.Context, int, []session.Event) error {
	var left atomic.Int64
	left.Store(int64(len(wanted)))
	return func(ctx context.Context, _ int, page []session.Event) error {
		if !slices.Contains(wanted, page[0].RecordID) {
			<-ctx.Done()
			return ctx.Err()
		}
		if left.Add(-1) == 0 {
			j.cancel()
		}
		return nil
	}
}

// A long beginning makes fingerprints see more than one row.
func many(prefix string, n int) (users []string) {
	for i := range n {
		users = append(users, prefix+string(rune('a'+i%26))+string(rune('a'+i/26)))
	}
	return users
}

func TestRotationByRename(t *testing.T) {
	for _, glob := range []string{"session_log.jsonl", "session_log.jsonl*"} {
		t.Run(glob, func(t *testing.T) {
			dir, path := place(t)
			first, second, third := many("1", 20), many("2", 20), many("3", 20)
			write(t, path, rowsOf(first...))
			store := &sourcetest.Store{}
			j := start(t, config(filepath.Join(dir, glob)), store)
			j.awaitUsers(t, first...)
			// The writer goes on in the renamed file for a while, as it holds it open, then opens a new one.
			require.NoError(t, os.Rename(path, path+".1"))
			appendTo(t, path+".1", rowsOf(second...))
			j.awaitUsers(t, append(first, second...)...)
			write(t, path, rowsOf(third...))
			j.awaitUsers(t, append(append(first, second...), third...)...)
			j.stop(t)
			require.Zero(t, j.stats.Counts().BadRows)

			j = once(t, config(filepath.Join(dir, glob)), store)
			require.Empty(t, j.users(), "told again after a restart")
		})
	}
}

func TestRotationWhileTheCollectorIsAway(t *testing.T) {
	dir, path := place(t)
	cfg := config(path + "*")
	store := &sourcetest.Store{}
	first, rest, later := many("1", 20), many("2", 5), many("3", 20)
	write(t, path, rowsOf(first...))
	require.Equal(t, first, once(t, cfg, store).users())

	appendTo(t, path, rowsOf(rest...))
	require.NoError(t, os.Rename(path, path+".1"))
	write(t, path, rowsOf(later...))
	require.ElementsMatch(t, append(rest, later...), once(t, cfg, store).users())

	// Compressing keeps the text: neither name nor bytes on disk are the file's identity.
	write(t, path+".1.gz", gzipped(t, content(t, path+".1")))
	require.NoError(t, os.Remove(path+".1"))
	require.NoError(t, os.Rename(path, filepath.Join(dir, "session_log.jsonl.2")))
	require.Empty(t, once(t, cfg, store).users())
}

func TestTruncation(t *testing.T) {
	_, path := place(t)
	first, second := many("1", 30), many("2", 10)
	write(t, path, rowsOf(first...))
	store := &sourcetest.Store{}
	j := start(t, config(path), store)
	j.awaitUsers(t, first...)
	write(t, path, rowsOf(second...)) // truncates the same file
	j.awaitUsers(t, append(first, second...)...)
	j.stop(t)
	require.Empty(t, once(t, config(path), store).users())
}

func TestCopyTruncate(t *testing.T) {
	dir, path := place(t)
	store := &sourcetest.Store{}
	first, rest, second := many("1", 30), many("r", 5), many("2", 60)
	write(t, path, rowsOf(first...))
	j := start(t, config(path), store) // the copy is none of its files
	j.awaitUsers(t, first...)
	copyFile(t, path, path+".1")
	write(t, path, rowsOf(second...)) // grown beyond the old offset before anybody looks
	j.awaitUsers(t, append(first, second...)...)
	j.stop(t)

	// While the collector is away, and with the copy among its files: each row once.
	appendTo(t, path, rowsOf(rest...))
	copyFile(t, path, path+".2")
	write(t, path, rowsOf("fresh"))
	j = once(t, config(filepath.Join(dir, "session_log.jsonl"), path+".2"), store)
	require.ElementsMatch(t, append(rest, "fresh"), j.users())
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	require.NoError(t, err)
	out, err := os.Create(to)
	require.NoError(t, err)
	_, err = io.Copy(out, in)
	require.NoError(t, err)
	require.NoError(t, in.Close())
	require.NoError(t, out.Close())
}

// An export that is written anew under its name, with more rows: only those are new.
func TestExportsThatAreReplaced(t *testing.T) {
	dir, path := place(t)
	first, more := many("1", 30), many("2", 5)
	write(t, path, rowsOf(first...))
	j := start(t, config(path), &sourcetest.Store{})
	j.awaitUsers(t, first...)
	write(t, filepath.Join(dir, "next"), rowsOf(append(first, more...)...))
	require.NoError(t, os.Rename(filepath.Join(dir, "next"), path))
	j.awaitUsers(t, append(first, more...)...)
	j.stop(t)
}

// An export without order may have new rows in its middle: then all of it is told, and the rows told before have their ids.
func TestExportsThatAreReplacedWithRowsInBetween(t *testing.T) {
	_, path := place(t)
	head, end := many("1", 30), many("2", 5)
	write(t, path, rowsOf(append(head, end...)...))
	store := &sourcetest.Store{}
	before := once(t, config(path), store)
	require.Len(t, before.users(), 35)
	all := append(append(append([]string{}, head...), "between"), end...)
	write(t, path, rowsOf(append(all, "later")...))
	j := once(t, config(path), store)
	require.Equal(t, append(all, "later"), j.users())
	require.Equal(t, ids(before.Delivered())[:30], ids(j.Delivered())[:30])
}

func TestNewFilesAreFound(t *testing.T) {
	dir, path := place(t)
	j := start(t, config(filepath.Join(dir, "**", "*.jsonl")), &sourcetest.Store{})
	write(t, path, "")
	appendTo(t, path, rowsOf("a"))
	j.awaitUsers(t, "a")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "deep", "er"), 0o700))
	write(t, filepath.Join(dir, "deep", "er", "x.jsonl"), rowsOf("b"))
	j.awaitUsers(t, "a", "b")
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "deep")))
	appendTo(t, path, rowsOf("c"))
	j.awaitUsers(t, "a", "b", "c")
	j.stop(t)
}

// A compressed file that is still being written tells what it holds, and later its rest.
func TestCompressedFilesThatGrow(t *testing.T) {
	_, path := place(t)
	text := content(t, exports+"session_log.jsonl")
	whole := gzipped(t, text)
	write(t, path, whole[:len(whole)/2])
	j := start(t, config(path), &sourcetest.Store{})
	await(t, "the first half was not told", func() bool { return len(j.Delivered()) > 0 })
	appendTo(t, path, whole[len(whole)/2:])
	await(t, "the second half was not told", func() bool { return len(j.Delivered()) >= 65 })
	j.stop(t)
	require.Len(t, j.Delivered(), 65)
	require.Zero(t, j.stats.Counts().BadRows)
	want := once(t, config(exports+"session_log.jsonl"), &sourcetest.Store{}).Delivered()
	require.Equal(t, ids(want), ids(j.Delivered()))
}

// Whoever compresses a file makes it first and fills it later: it may be looked at in between.
func TestCompressedFilesThatAreSeenEmpty(t *testing.T) {
	whole := gzipped(t, content(t, exports+"session_log.jsonl"))
	for _, format := range []string{"auto", "JSONEachRow"} {
		for first := range 2 {
			dir, path := place(t)
			write(t, path, whole[:first])
			cfg := config(filepath.Join(dir, "*"))
			cfg.Format = format
			j := start(t, cfg, &sourcetest.Store{})
			seen := filepath.Join(dir, "seen")
			write(t, seen, rowsOf("seen")) // in the same look
			await(t, "the empty file was not looked at", func() bool { return len(j.Delivered()) == 1 })
			appendTo(t, path, whole[first:])
			await(t, "the file was not told", func() bool { return len(j.Delivered()) >= 66 })
			j.stop(t)
			require.Len(t, j.Delivered(), 66)
			require.Zero(t, j.stats.Counts().BadRows)
		}
	}
}

// The first lines of a log may be of others, so that its format shows only when it has another name already.
func TestRotationBeforeTheFormatIsKnown(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "auth.log")
	write(t, path, "Nov 21 22:03:10 vm CRON[1]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)\n")
	cfg := config(path, filepath.Join(dir, "seen"))
	cfg.Timezone = "UTC"
	j := start(t, cfg, &sourcetest.Store{})
	write(t, filepath.Join(dir, "seen"), rowsOf("seen"))
	await(t, "the log was not looked at", func() bool { return len(j.Delivered()) == 1 })
	appendTo(t, path, content(t, "../../../internal/dialect/sshlog/testdata/auth.log"))
	require.NoError(t, os.Rename(path, path+".1"))
	await(t, "the log's rest was not told", func() bool { return len(j.Delivered()) >= 21 })
	j.stop(t)
	require.Zero(t, j.stats.Counts().BadRows)
}

func TestInitialEnd(t *testing.T) {
	for _, name := range []string{"session_log.jsonl", "session_log.csv"} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		all := content(t, exports+name)
		cut := len(all) - 1
		for range 3 {
			for cut--; all[cut-1] != '\n'; cut-- {
			}
		}
		write(t, path, all[:cut])
		cfg := config(filepath.Join(dir, "*"))
		cfg.Initial = "end"
		store := &sourcetest.Store{}
		require.Empty(t, once(t, cfg, store).users())
		j := start(t, cfg, store)
		appendTo(t, path, all[cut:])
		await(t, "what was appended was not told", func() bool { return len(j.Delivered()) >= 3 })
		write(t, filepath.Join(dir, "new.jsonl"), rowsOf("new"))
		await(t, "a new file was not told", func() bool { return len(j.Delivered()) >= 4 })
		j.stop(t)
		want := once(t, config(path), &sourcetest.Store{}).Delivered()
		require.Equal(t, ids(want[62:]), ids(j.Delivered()[:3]), name)
	}
}

// A source that is killed at any write of its first pass knows what it was not to tell.
func TestInitialEndOutlivesAKill(t *testing.T) {
	text := strings.Repeat(rowsOf(many("old", 100)...), 500) // more than goes through at once
	for writes := 2; writes < 4; writes++ {                  // what is not told, and that there are two files; before, it is the first start once more
		dir := t.TempDir()
		large, small := filepath.Join(dir, "1.jsonl"), filepath.Join(dir, "2.jsonl")
		write(t, large, text)
		write(t, small, rowsOf("old")+rowOf("torn")[:50])
		cfg := config(filepath.Join(dir, "*"))
		cfg.Initial, cfg.Format = "end", "JSONEachRow"
		killed := make(chan struct{}, 100)
		store := &sourcetest.Store{OnWrite: func(_ context.Context, call int, _ string) error {
			if call <= writes {
				return nil
			}
			killed <- struct{}{}
			return errors.New("killed")
		}}
		j := start(t, cfg, store)
		<-killed
		j.stop(t)
		require.Empty(t, j.users())

		appendTo(t, small, rowOf("torn")[50:])
		j = start(t, cfg, store.Fork())
		appendTo(t, large, rowsOf("new"))
		await(t, "what was appended was not told", func() bool { return len(j.users()) >= 2 })
		j.stop(t)
		require.ElementsMatch(t, []string{"new", "torn"}, j.users(), writes)
	}
}

// Rows that are equal in everything get ids by their number, also when a restart comes between them.
func TestEqualRowsAcrossRestarts(t *testing.T) {
	_, path := place(t)
	write(t, path, rowsOf("same", "same", "same", "same", "other"))
	want := once(t, config(path), &sourcetest.Store{}).Delivered()
	store := &sourcetest.Store{}
	var got []session.Event
	for _, n := range []int{2, 1, 2} {
		cfg := config(path)
		cfg.BatchSize = 1
		j := newJob(t)
		j.Fate = stopAfterIDs(j, ids(want)[len(got):][:n])
		j.begin(t, newSource(t, cfg), store)
		await(t, "a run did not go on", func() bool { return len(j.Delivered()) >= n })
		j.stop(t)
		got = append(got, j.Delivered()...)
	}
	require.ElementsMatch(t, ids(want), ids(got))
	distinct := map[session.ID]bool{}
	for _, id := range ids(got) {
		distinct[id] = true
	}
	require.Len(t, distinct, 5)
}

// The last record of a log may be the only one for hours: that more lines could belong to it holds it back for one look.
func TestALastRecordIsToldSoon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server_audit.log")
	j := start(t, config(path), &sourcetest.Store{})
	for _, user := range []string{"alice", "bob"} {
		appendTo(t, path, "20261121 22:01:32,vm,"+user+",10.0.0.7,7,0,FAILED_CONNECT,,,1045\n")
		await(t, user+" was not told", func() bool { return len(j.users()) > 0 && j.users()[len(j.users())-1] == user })
	}
	j.stop(t)
	require.Zero(t, j.stats.Counts().BadRows)
}
