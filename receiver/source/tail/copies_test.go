package tail_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

// copytruncate may cut a log after the folder was scanned and before its copy is held against it: then it is no longer what the copy is
// of, and yet nothing of the copy is new.
func TestALogIsTruncatedWhileItsCopyIsCompared(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		const log = "/log/auth.log"
		text := strings.Repeat(sshdLine(0, 1, "Server listening on 0.0.0.0 port 22."), 100) + accepted(1, "a")
		copied := false
		disk.beforeOpen = func(path string) {
			if path == log+".1" && !copied {
				copied = true
				disk.write(log, accepted(2, "b"))
			}
		}
		disk.write(log, text)
		j := start(t, disk.settings("/log/*"), &sourcetest.Store{})
		j.awaitUsers(t, "a")
		disk.write(log+".1", text)
		j.awaitUsers(t, "a", "b")
		disk.append(log, accepted(3, "c"))
		j.awaitUsers(t, "a", "b", "c")
	})
}

// Two logs may begin alike, be it for thousands of bytes: where they part, neither is a copy.
func TestALogThatBeginsLikeAnotherIsNoCopy(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		const first, second = "/log/first.log", "/log/second.log"
		alike := strings.Repeat(sshdLine(0, 1, "Server listening on 0.0.0.0 port 22."), 100)
		disk.write(first, alike+accepted(1, "a"))
		j := start(t, disk.settings("/log/*"), &sourcetest.Store{})
		j.awaitUsers(t, "a")
		disk.write(second, alike+accepted(2, "b"))
		j.awaitUsers(t, "a", "b")
		disk.append(second, accepted(3, "c"))
		j.awaitUsers(t, "a", "b", "c")
	})
}

// Gzip's own window: the compressed file grows beside the original, and is whole for a while before that one is removed.
func TestACompressedCopyBesideItsOriginal(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		for _, pack := range []func(*testing.T, string) string{gzipped, zstandard} {
			for _, cuts := range [][]int{{0, 1, 9, 30, 200}, {15}, {}} {
				disk.clear()
				path := "/log/auth.log"
				text := ""
				for n := range 400 {
					text += sshdLine(0, 1, fmt.Sprint("Server listening on 0.0.0.0 port ", n*7919%65536))
				}
				text += sshdLine(2, 2, "Invalid user open from 10.6.6.6 port 6") + accepted(3, "in")
				disk.write(path+".1", text)
				j := start(t, disk.settings(path+"*"), &sourcetest.Store{})
				j.awaitUsers(t, "in")
				disk.write(path, sshdLine(4, 2, "Connection closed by invalid user open 10.6.6.6 port 6 [preauth]"))
				j.awaitUsers(t, "in", "open")
				whole, written := pack(t, text), 0
				scan := func() {
					second := len(j.Delivered())
					disk.append(path, sshdLine(5, 100+second, fmt.Sprintf("Accepted password for look%d from 10.6.6.6 port 5 ssh2", second)))
					await(t, "nobody scanned", func() bool { return len(j.Delivered()) > second })
				}
				for _, cut := range append(cuts, len(whole)) {
					disk.append(path+".1.gz", whole[written:cut])
					written = cut
					scan()
					scan()
				}
				disk.remove(path + ".1")
				scan()
				scan()
				scan()
				j.stop(t)
				for _, user := range j.users()[2:] {
					require.Contains(t, user, "look", "delivered again")
				}
				require.Zero(t, j.stats.Counts().BadRows)
			}
		}
	})
}

// A copy may stand beside its original when the collector starts, and the original may have more than it when it is truncated.
func TestACopyBesideItsOriginalAtAStart(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := "/log/auth.log"
		text := accepted(1, "a") + sshdLine(2, 2, "Invalid user open from 10.6.6.6 port 6")
		disk.write(path, text)
		disk.write(path+".1", text)
		disk.write(path+".2.gz", gzipped(t, text))
		store := &sourcetest.Store{}
		require.Equal(t, []string{"a"}, once(t, disk.settings(path+"*"), store).users())
		j := start(t, disk.settings(path+"*"), store)
		disk.append(path, sshdLine(3, 2, "Connection closed by invalid user open 10.6.6.6 port 6 [preauth]"))
		j.awaitUsers(t, "open")
		disk.write(path, accepted(4, "b"))
		j.awaitUsers(t, "open", "b")
		disk.append(path, accepted(5, "c"))
		j.awaitUsers(t, "open", "b", "c")
		j.stop(t)
		require.Empty(t, once(t, disk.settings(path+"*"), store).users())
	})
}

// What was written between the last scan and a truncation stands in the copy alone, which `include` does not have. It is read on
// where the log was read to, and only what follows is delivered, compressed or not.
func TestACopyOfATruncatedLogIsReadThoughItIsNotIncluded(t *testing.T) {
	for _, name := range []string{".1", ".1.gz", "-20261121"} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(t *testing.T, disk *memoryDisk) {
				path := "/log/auth.log"
				first := strings.Repeat(sshdLine(0, 1, "Server listening on 0.0.0.0 port 22."), 200) + accepted(1, "a") + sshdLine(2, 2, "Invalid user open from 10.6.6.6 port 6")
				disk.write(path, first)
				cfg := disk.settings(path)
				store := &sourcetest.Store{}
				j := start(t, cfg, store)
				j.awaitUsers(t, "a")
				await(t, "the cursor has not moved", func() bool { return savedCursors(t, store)[path].Offset > 0 })
				unseen := accepted(3, "unseen") + sshdLine(4, 2, "Connection closed by invalid user open 10.6.6.6 port 6 [preauth]")
				appended := first + unseen
				if strings.HasSuffix(name, ".gz") {
					appended = gzipped(t, appended)
				}
				disk.write(path+name, appended)
				disk.write(path, accepted(5, "next"))
				await(t, "not all was delivered", func() bool { return len(j.Delivered()) >= 4 })
				for n := range 4 { // scans, in which nothing else may come
					disk.append(path, accepted(10+n, fmt.Sprint("look", n)))
					await(t, "nobody scanned", func() bool { return len(j.Delivered()) >= 5+n })
				}
				j.stop(t)
				require.Equal(t, []string{"a", "unseen", "open", "next", "look0", "look1", "look2", "look3"}, j.users())
				require.Zero(t, j.stats.Counts().BadRows)
				require.Empty(t, once(t, cfg, store).users(), "delivered again after a restart")
			})
		})
	}
}

// A log grows behind its copy and is truncated then, so that the copy is shorter than what was delivered: there is nothing to deliver of it.
func TestACopyThatWasOutgrownBeforeTheTruncationIsNotDeliveredAgain(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := "/log/auth.log"
		text := strings.Repeat(sshdLine(0, 1, "Server listening on 0.0.0.0 port 22."), 80) + accepted(1, "a")
		disk.write(path, text)
		j := start(t, disk.settings(path+"*"), &sourcetest.Store{})
		j.awaitUsers(t, "a")
		disk.write(path+".1", text)
		want := []string{"a"}
		for n := range 8 {
			line, user := sshdLine(2+n, 2+n, fmt.Sprintf("Accepted password for look%d from 10.6.6.6 port 5 ssh2", n)), fmt.Sprint("look", n)
			if want = append(want, user); n == 4 {
				disk.write(path, line)
			} else {
				disk.append(path, line)
			}
			await(t, user+" was not delivered", func() bool { return len(j.Delivered()) >= len(want) })
		}
		j.stop(t)
		require.Equal(t, want, j.users())
	})
}

// What was read of a log may still be on its way when the log is truncated. A copy that is known as such is all that has it then, and is
// read after a restart that came before the delivery.
func TestACopyOfWhatWasNotDeliveredIsReadAfterARestart(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := "/log/auth.log"
		text := strings.Repeat(sshdLine(0, 1, "Server listening on 0.0.0.0 port 22."), 80) + accepted(1, "a")
		for _, more := range []string{"", accepted(2, "unread")} { // that the copy has and the log had not
			disk.clear()
			store := &sourcetest.Store{}
			disk.write(path, text)
			j := newJob()
			j.Fate = func(ctx context.Context, _ int, _ []session.Event) error {
				<-ctx.Done()
				return ctx.Err()
			}
			j.begin(t, disk.settings(path+"*"), store)
			scans(2)
			disk.write(path+".1", text+more)
			scans(2)
			disk.append(path, accepted(3, "b"))
			scans(2)
			disk.write(path, accepted(4, "c"))
			scans(3)
			j.stop(t)
			require.Empty(t, j.Delivered())
			want := []string{"a", "c"}
			if more != "" {
				want = []string{"a", "unread", "c"}
			}
			require.ElementsMatch(t, want, once(t, disk.settings(path+"*"), store).users())
		}
	})
}
