package tail_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

// The process dies behind every single row, in every format; the next one goes on there.
func TestResumeAtEveryRow(t *testing.T) {
	for _, name := range []string{"session_log.jsonl", "session_log.csv", "session_log.tsv", "session_log.jsonc", "packed.gz", "packed.zst"} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(t *testing.T, disk *memoryDisk) {
				path := "/log/" + name
				switch filepath.Ext(name) {
				case ".gz":
					disk.write(path, gzipped(t, content(t, exports+"session_log.csv")))
				case ".zst":
					disk.write(path, zstandard(t, content(t, exports+"session_log.tsv")))
				default:
					disk.write(path, content(t, exports+name))
				}
				want := once(t, disk.settings(path), &sourcetest.Store{}).Delivered()
				require.Len(t, want, 65)
				store := &sourcetest.Store{}
				var got []session.Event
				for n := 0; len(got) < len(want); n++ {
					require.Less(t, n, 200, "a run delivered nothing new")
					cfg := disk.settings(path)
					cfg.BatchSize = 1
					j := newJob()
					j.Fate = takeOnly(j, ids(want)[len(got):][:1])
					j.begin(t, cfg, store)
					await(t, "no row came", func() bool { return len(j.Delivered()) > 0 })
					j.stop(t)
					got = append(got, j.Delivered()...)
				}
				require.Equal(t, ids(want), ids(got))
			})
		})
	}
}

func TestLinesThatAreTorn(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := logPath
		whole, torn := rowsOf("a", "b"), rowOf("c")
		disk.write(path, whole+torn[:40])
		store := &sourcetest.Store{}
		j := start(t, disk.settings(path), store)
		j.awaitUsers(t, "a", "b")
		j.stop(t) // the torn line stays unread
		j = start(t, disk.settings(path), store)
		disk.append(path, torn[40:80])
		disk.append(path, torn[80:])
		j.awaitUsers(t, "c")
		require.Zero(t, j.stats.Counts().BadRows)
		j.stop(t)

		disk.write(path, whole+torn[:40])
		j = once(t, disk.settings(path), &sourcetest.Store{})
		require.Equal(t, []string{"a", "b"}, j.users())
		counts := j.stats.Counts()
		require.Equal(t, 1, counts.BadRows)
		require.Equal(t, []string{fmt.Sprintf("%s:%d", path, len(whole))}, counts.Places)
	})
}

// A row of several lines may be written slowly: however often the file is scanned meanwhile, it is one row.
func TestARowOfSeveralLinesThatComesSlowly(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		other := logPath
		path := "/log/session_log.csv"
		csv := strings.Replace(content(t, exports+"session_log.csv"), `"alice"`, "\"ali\nce\"", 1)
		cut := strings.Index(csv, "\"ali\n") + len("\"ali\n")
		disk.write(path, csv[:cut])
		j := start(t, disk.settings("/log/*"), &sourcetest.Store{})
		var users []string
		for _, user := range []string{"x", "y", "z"} { // each takes another scan
			disk.append(other, rowsOf(user))
			await(t, user+" was not delivered", func() bool { users = j.users(); return slices.Contains(users, user) })
		}
		disk.append(path, csv[cut:])
		await(t, "not all was delivered", func() bool { return len(j.Delivered()) >= 65+3 })
		j.stop(t)
		require.Contains(t, j.users(), "ali\nce")
		require.Zero(t, j.stats.Counts().BadRows)
	})
}

func TestHugeRows(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := logPath
		huge := strings.Repeat("x", 10<<20)
		disk.write(path, rowsOf("a", huge, "b"))
		j := once(t, disk.settings(path), &sourcetest.Store{})
		require.Len(t, j.Delivered(), 3)
		require.True(t, slices.Contains(j.users(), huge)) // in a batch of its own, which may be overtaken

		for _, name := range []string{"plain", "gzip", "rest of the file"} {
			text := rowsOf("a", huge, "b")
			users := []string{"a", "b"}
			switch name {
			case "gzip":
				text = gzipped(t, text)
			case "rest of the file":
				text, users = rowsOf("a", huge[:5<<20])[:3<<20], users[:1]
			}
			disk.write(path, text)
			cfg := disk.settings(path)
			cfg.MaxLineBytes = 1 << 20
			store := &sourcetest.Store{}
			j = once(t, cfg, store)
			require.Equal(t, users, j.users(), name)
			counts := j.stats.Counts()
			require.Equal(t, 1, counts.BadRows, name)
			require.Equal(t, fmt.Sprintf("%s:%d", path, len(rowOf("a"))), counts.Places[0], name)
			require.Contains(t, counts.Reasons[0], "more than `max_line_bytes` 1048576", name)
			j = once(t, cfg, store)
			require.Empty(t, j.users(), name)
			require.Zero(t, j.stats.Counts().BadRows, "%s: counted again", name)
		}
	})
}

func TestInitialEnd(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		for _, name := range []string{"session_log.jsonl", "session_log.csv"} {
			disk.clear()
			path := "/log/" + name
			all := content(t, exports+name)
			cut := len(all) - 1
			for range 3 {
				for cut--; all[cut-1] != '\n'; cut-- {
				}
			}
			disk.write(path, all[:cut])
			cfg := disk.settings("/log/*")
			cfg.SkipExisting = true
			store := &sourcetest.Store{}
			require.Empty(t, once(t, cfg, store).users())
			j := start(t, cfg, store)
			disk.append(path, all[cut:])
			await(t, "what was appended was not delivered", func() bool { return len(j.Delivered()) >= 3 })
			disk.write("/log/new.jsonl", rowsOf("new"))
			await(t, "a new file was not delivered", func() bool { return len(j.Delivered()) >= 4 })
			j.stop(t)
			want := once(t, disk.settings(path), &sourcetest.Store{}).Delivered()
			require.Equal(t, ids(want[62:]), ids(j.Delivered()[:3]), name)
		}
	})
}

// A source that is killed at any write of its first scan knows what it was not to deliver.
func TestInitialEndOutlivesAKill(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		text := strings.Repeat(rowsOf(many("old", 100)...), 500) // more than goes through at once
		for writes := 2; writes < 4; writes++ {                  // what is not delivered, and that there are two files; before, it is the first start once more
			disk.clear()
			large, small := "/log/1.jsonl", "/log/2.jsonl"
			disk.write(large, text)
			disk.write(small, rowsOf("old")+rowOf("torn")[:50])
			cfg := disk.settings("/log/*")
			cfg.SkipExisting, cfg.Format = true, "JSONEachRow"
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

			disk.append(small, rowOf("torn")[50:])
			j = start(t, cfg, store.Fork())
			disk.append(large, rowsOf("new"))
			await(t, "what was appended was not delivered", func() bool { return len(j.users()) >= 2 })
			j.stop(t)
			require.ElementsMatch(t, []string{"new", "torn"}, j.users(), writes)
		}
	})
}

// A store that fails from the first start on is said to lose what a restart meanwhile takes for old; nothing is lost without one.
func TestInitialEndOutlivesAStoreThatFails(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		disk.write(logPath, rowsOf("old"))
		cfg := disk.settings(logPath)
		cfg.SkipExisting = true
		var mended atomic.Bool
		store := &sourcetest.Store{OnWrite: func(context.Context, int, string) error {
			if mended.Load() {
				return nil
			}
			return errors.New("no space left")
		}}
		j := start(t, cfg, store)
		scans(2)
		require.Contains(t, j.status.Load(), "initial: end: where this first start began cannot be stored")
		require.Equal(t, 1, j.logs.FilterLevelExact(zap.WarnLevel).FilterMessageSnippet("which files are read cannot be remembered").Len())
		disk.append(logPath, rowsOf("new"))
		j.awaitUsers(t, "new")
		mended.Store(true)
		scans(3)
		j.stop(t)
		disk.append(logPath, rowsOf("later"))
		require.Equal(t, []string{"later"}, once(t, cfg, store).users())
	})
}

// Rows that are equal in everything get ids by their number, also when a restart comes between them.
func TestEqualRowsAcrossRestarts(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := logPath
		disk.write(path, rowsOf("same", "same", "same", "same", "other"))
		want := once(t, disk.settings(path), &sourcetest.Store{}).Delivered()
		store := &sourcetest.Store{}
		var got []session.Event
		for _, n := range []int{2, 1, 2} {
			cfg := disk.settings(path)
			cfg.BatchSize = 1
			j := newJob()
			j.Fate = takeOnly(j, ids(want)[len(got):][:n])
			j.begin(t, cfg, store)
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
	})
}

// The last record of a log may be the only one for hours: that more lines could belong to it holds it back for one scan.
func TestALastRecordIsDeliveredSoon(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := "/log/server_audit.log"
		j := start(t, disk.settings(path), &sourcetest.Store{})
		for _, user := range []string{"alice", "bob"} {
			disk.append(path, "20261121 22:01:32,vm,"+user+",10.0.0.7,7,0,FAILED_CONNECT,,,1045\n")
			await(t, user+" was not delivered", func() bool { return len(j.users()) > 0 && j.users()[len(j.users())-1] == user })
		}
		j.stop(t)
		require.Zero(t, j.stats.Counts().BadRows)
	})
}

// One batch has the rows of many small files. None of their cursors is there before the pipeline has taken it, all are afterwards.
func TestABatchOfManyFilesMovesAllTheirCursorsOnceItIsTaken(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		want := many("u", 20)
		for n, user := range want {
			disk.write("/log/"+fmt.Sprintf("%02d.jsonl", n), rowsOf(user))
		}
		cfg, store := disk.settings("/log/*"), &sourcetest.Store{}
		var before *sourcetest.Store
		j := newJob()
		j.Fate = func(_ context.Context, call int, batch []session.Event) error {
			if len(batch) != len(want) {
				return fmt.Errorf("a batch of %d events", len(batch))
			}
			if call < 2 {
				return errors.New("not now")
			}
			before = store.Fork()
			return nil
		}
		j.begin(t, cfg, store)
		await(t, "the batch was not taken", func() bool { return len(j.Delivered()) >= len(want) })
		j.stop(t)
		require.ElementsMatch(t, want, j.users())
		for path, cursor := range savedCursors(t, before) {
			require.Zero(t, cursor.Offset, path)
		}
		require.Len(t, savedCursors(t, store), len(want))
		require.Empty(t, once(t, cfg, store).users(), "delivered again although it was taken")
		require.ElementsMatch(t, want, once(t, cfg, before).users(), "not delivered although it was never taken")
	})
}

// A store that fails stops no reading, and is written when it is back. Who is killed meanwhile delivers the same events again.
func TestCursorsThatCannotBeSaved(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		var full atomic.Bool
		full.Store(true)
		store := &sourcetest.Store{OnWrite: func(context.Context, int, string) error {
			if full.Load() {
				return errors.New("no space left")
			}
			return nil
		}}
		cfg := disk.settings("/log/*")
		disk.write("/log/1.jsonl", rowsOf("a"))
		j := start(t, cfg, store)
		j.awaitUsers(t, "a")
		disk.append("/log/1.jsonl", rowsOf("b"))
		disk.write("/log/2.jsonl", rowsOf("c"))
		j.awaitUsers(t, "a", "b", "c")
		require.Contains(t, j.status.Load(), "no space left")
		warnings := j.logs.FilterLevelExact(zap.WarnLevel)
		require.Equal(t, 1, warnings.FilterMessageSnippet("which files are read").Len())
		require.Equal(t, 1, warnings.FilterMessageSnippet("what was delivered").Len())
		killed := once(t, cfg, store.Fork())
		require.ElementsMatch(t, ids(j.Delivered()), ids(killed.Delivered()))

		full.Store(false)
		scans(3)
		require.Equal(t, "<nil>", j.status.Load())
		killed = once(t, cfg, store.Fork())
		require.Empty(t, killed.users(), "delivered again although it is remembered")
		j.stop(t)
	})
}
