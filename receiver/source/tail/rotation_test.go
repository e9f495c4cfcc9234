package tail_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
)

func TestRotationByRename(t *testing.T) {
	for _, glob := range []string{"session_log.jsonl", "session_log.jsonl*"} {
		t.Run(glob, func(t *testing.T) {
			inMemory(t, func(t *testing.T, disk *memoryDisk) {
				path := logPath
				first, second, third := many("1", 20), many("2", 20), many("3", 20)
				disk.write(path, rowsOf(first...))
				store := &sourcetest.Store{}
				j := start(t, disk.settings("/log/"+glob), store)
				j.awaitUsers(t, first...)
				// The writer goes on in the renamed file for a while, as it holds it open, then opens a new one.
				disk.rename(path, path+".1")
				disk.append(path+".1", rowsOf(second...))
				j.awaitUsers(t, append(first, second...)...)
				disk.write(path, rowsOf(third...))
				j.awaitUsers(t, append(append(first, second...), third...)...)
				j.stop(t)
				require.Zero(t, j.stats.Counts().BadRows)

				j = once(t, disk.settings("/log/"+glob), store)
				require.Empty(t, j.users(), "delivered again after a restart")
			})
		})
	}
}

func TestRotationWhileTheCollectorIsAway(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := logPath
		cfg := disk.settings(path + "*")
		store := &sourcetest.Store{}
		first, rest, later := many("1", 20), many("2", 5), many("3", 20)
		disk.write(path, rowsOf(first...))
		require.Equal(t, first, once(t, cfg, store).users())

		disk.append(path, rowsOf(rest...))
		disk.rename(path, path+".1")
		disk.write(path, rowsOf(later...))
		require.ElementsMatch(t, append(rest, later...), once(t, cfg, store).users())

		// Compressing keeps the text: neither name nor bytes on disk are the file's identity.
		disk.write(path+".1.gz", gzipped(t, disk.read(path+".1")))
		disk.remove(path + ".1")
		disk.rename(path, "/log/session_log.jsonl.2")
		require.Empty(t, once(t, cfg, store).users())
	})
}

func TestTruncation(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := logPath
		first, second := many("1", 30), many("2", 10)
		disk.write(path, rowsOf(first...))
		store := &sourcetest.Store{}
		j := start(t, disk.settings(path), store)
		j.awaitUsers(t, first...)
		disk.write(path, rowsOf(second...)) // truncates the same file
		j.awaitUsers(t, append(first, second...)...)
		j.stop(t)
		require.Empty(t, once(t, disk.settings(path), store).users())
	})
}

func TestCopyTruncate(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := logPath
		store := &sourcetest.Store{}
		first, rest, second := many("1", 30), many("r", 5), many("2", 60)
		disk.write(path, rowsOf(first...))
		j := start(t, disk.settings(path), store) // the copy is none of its files
		j.awaitUsers(t, first...)
		disk.copyFile(path, path+".1")
		disk.write(path, rowsOf(second...)) // grown beyond the old offset before anybody looks
		j.awaitUsers(t, append(first, second...)...)
		j.stop(t)

		// While the collector is away, and with the copy among its files: each row once.
		disk.append(path, rowsOf(rest...))
		disk.copyFile(path, path+".2")
		disk.write(path, rowsOf("fresh"))
		j = once(t, disk.settings("/log/session_log.jsonl", path+".2"), store)
		require.ElementsMatch(t, append(rest, "fresh"), j.users())
	})
}

// An export that is written anew under its name, with more rows: only those are new.
func TestExportsThatAreReplaced(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := logPath
		first, more := many("1", 30), many("2", 5)
		disk.write(path, rowsOf(first...))
		j := start(t, disk.settings(path), &sourcetest.Store{})
		j.awaitUsers(t, first...)
		disk.write("/log/next", rowsOf(append(first, more...)...))
		disk.rename("/log/next", path)
		j.awaitUsers(t, append(first, more...)...)
		j.stop(t)
	})
}

// An export without order may have new rows in its middle: then all of it is delivered, and the rows delivered before have their ids.
func TestExportsThatAreReplacedWithRowsInBetween(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := logPath
		head, end := many("1", 30), many("2", 5)
		disk.write(path, rowsOf(append(head, end...)...))
		store := &sourcetest.Store{}
		before := once(t, disk.settings(path), store)
		require.Len(t, before.users(), 35)
		all := append(append(append([]string{}, head...), "between"), end...)
		disk.write(path, rowsOf(append(all, "later")...))
		j := once(t, disk.settings(path), store)
		require.Equal(t, append(all, "later"), j.users())
		require.Equal(t, ids(before.Delivered())[:30], ids(j.Delivered())[:30])
	})
}

// A compressed file that is still being written tells what it holds, and later its rest.
func TestCompressedFilesThatGrow(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := logPath
		text := content(t, exports+"session_log.jsonl")
		whole := gzipped(t, text)
		disk.write(path, whole[:len(whole)/2])
		j := start(t, disk.settings(path), &sourcetest.Store{})
		await(t, "the first half was not delivered", func() bool { return len(j.Delivered()) > 0 })
		disk.append(path, whole[len(whole)/2:])
		await(t, "the second half was not delivered", func() bool { return len(j.Delivered()) >= 65 })
		j.stop(t)
		require.Len(t, j.Delivered(), 65)
		require.Zero(t, j.stats.Counts().BadRows)
		want := once(t, disk.settings(exported(t, disk, "session_log.jsonl")), &sourcetest.Store{}).Delivered()
		require.Equal(t, ids(want), ids(j.Delivered()))
	})
}

// Whoever compresses a file makes it first and fills it later: it may be scanned in between.
func TestCompressedFilesThatAreSeenEmpty(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		whole := gzipped(t, content(t, exports+"session_log.jsonl"))
		for _, format := range []string{"", "JSONEachRow"} {
			for first := range 2 {
				disk.clear()
				path := logPath
				disk.write(path, whole[:first])
				cfg := disk.settings("/log/*")
				cfg.Format = format
				j := start(t, cfg, &sourcetest.Store{})
				seen := "/log/seen"
				disk.write(seen, rowsOf("seen")) // in the same scan
				await(t, "the empty file was not scanned", func() bool { return len(j.Delivered()) == 1 })
				disk.append(path, whole[first:])
				await(t, "the file was not delivered", func() bool { return len(j.Delivered()) >= 66 })
				j.stop(t)
				require.Len(t, j.Delivered(), 66)
				require.Zero(t, j.stats.Counts().BadRows)
			}
		}
	})
}

// The first lines of a log may be of others, so that its format shows only when it has another name already.
func TestRotationBeforeTheFormatIsKnown(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := "/log/auth.log"
		disk.write(path, "Nov 21 22:03:10 vm CRON[1]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)\n")
		cfg := disk.settings(path, "/log/seen")
		j := start(t, cfg, &sourcetest.Store{})
		disk.write("/log/seen", rowsOf("seen"))
		await(t, "the log was not scanned", func() bool { return len(j.Delivered()) == 1 })
		disk.append(path, content(t, "../../../internal/dialect/sshlog/testdata/auth.log"))
		disk.rename(path, path+".1")
		await(t, "the log's rest was not delivered", func() bool { return len(j.Delivered()) >= 21 })
		j.stop(t)
		require.Zero(t, j.stats.Counts().BadRows)
	})
}

// What is appended to a file long after its rename is delivered: its writer may hold it as long as it likes.
func TestAppendedLongAfterTheRename(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := logPath
		disk.write(path, rowsOf(many("1", 20)...))
		j := start(t, disk.settings(path+"*"), &sourcetest.Store{})
		j.awaitUsers(t, many("1", 20)...)
		disk.rename(path, "/log/session_log.jsonl.1")
		disk.write(path, rowsOf("next"))
		await(t, "the next file was not delivered", func() bool { return len(j.Delivered()) == 21 })
		for n := range 5 { // scans that find nothing new
			disk.append(path, rowsOf(fmt.Sprint("look", n)))
			await(t, "nobody scanned", func() bool { return len(j.Delivered()) == 22+n })
		}
		disk.append(path+".1", rowsOf("late"))
		await(t, "what was appended late was not delivered", func() bool { return len(j.Delivered()) == 27 })
		require.Equal(t, "late", j.users()[26])
		j.stop(t)
	})
}

// A log may be rotated several times between two scans: then there are files of which the collector has seen nothing but their
// new names, which `include` does not have. What was there before the log is none of its concern.
func TestRotationsFasterThanAScan(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		for _, names := range [][3]string{
			{".1", ".2", ".3"}, {"-20261121-1.gz", "-20261121-2", "-20261121-3"}, {".2026-11-21.1", ".2026-11-21.2", ".2026-11-20"},
		} {
			disk.clear()
			path := "/log/auth.log"
			disk.write(path+names[2], accepted(0, "long ago"))
			disk.setTime(path+names[2], when.AddDate(-1, 0, 0))
			disk.write(path+"-errors", accepted(0, "another log"))
			disk.write(path, accepted(1, "a"))
			cfg := disk.settings(path)
			j := start(t, cfg, &sourcetest.Store{})
			j.awaitUsers(t, "a")
			disk.append(path, sshdLine(2, 2, "Invalid user b from 10.6.6.6 port 6"))
			disk.rename(path, path+names[1])
			second := sshdLine(3, 2, "Connection closed by invalid user b 10.6.6.6 port 6 [preauth]") + sshdLine(4, 4, "Invalid user c from 10.6.6.6 port 7")
			if strings.HasSuffix(names[0], ".gz") {
				second = gzipped(t, second)
			}
			disk.write(path+names[0], second)
			disk.write(path, sshdLine(5, 4, "Connection closed by invalid user c 10.6.6.6 port 7 [preauth]"))
			await(t, "not all was delivered", func() bool { return len(j.Delivered()) >= 3 })
			for n := range 4 { // scans, in which nothing else may come
				disk.append(path, accepted(10+n, fmt.Sprint("look", n)))
				await(t, "nobody scanned", func() bool { return len(j.Delivered()) >= 4+n })
			}
			j.stop(t)
			require.Equal(t, []string{"a", "b", "c", "look0", "look1", "look2", "look3"}, j.users())
		}
	})
}
