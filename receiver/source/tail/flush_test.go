package tail_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

func TestWhatTimeDecides(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := serverPath
		cfg := disk.serverSettings(path)
		cfg.Options.DecideAfter = 50 * time.Millisecond
		store := &sourcetest.Store{}
		disk.write(path, received(0, 1)+authorized(0, 1))
		j := start(t, cfg, store)
		await(t, "the login was not delivered", func() bool { return len(j.Delivered()) == 1 })
		require.Equal(t, session.OutcomeSuccess, j.Delivered()[0].Outcome)
		j.stop(t)
		require.Empty(t, once(t, cfg, store).Delivered(), "delivered again after a restart")

		// What refutes it later is delivered as a correction of it, by another process too.
		disk.append(path, serverLine(30*time.Second, 1, "FATAL", `database "app" does not exist`)+received(31*time.Second, 2))
		again := once(t, cfg, store).Delivered()
		require.Len(t, again, 1)
		require.Equal(t, session.KindSessionUpdate, again[0].Kind)
		require.Equal(t, session.OutcomeFailure, again[0].Outcome)
		require.Equal(t, j.Delivered()[0].SessionKey, again[0].SessionKey)
	})
}

func TestWhatIsStillYoungIsHeldBack(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := serverPath
		cfg := disk.serverSettings(path)
		cfg.Options.DecideAfter = time.Hour
		store := &sourcetest.Store{}
		disk.write(path, received(0, 1)+authorized(0, 1))
		require.Empty(t, once(t, cfg, store).Delivered())
		m := savedCursors(t, store)[path]
		require.Zero(t, m.Anchor)
		require.NotZero(t, m.Offset)
		disk.append(path, serverLine(time.Second, 1, "LOG", "disconnection: session time: 0:00:01.000 user=alice database=app host=10.0.0.7 port=1"))
		require.Len(t, once(t, cfg, store).Delivered(), 2)
	})
}

// With a shorter time than before the same lines give a verdict that was not delivered yet.
func TestADecisionTimeThatChangesLosesNothing(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := serverPath
		cfg := disk.serverSettings(path)
		cfg.Options.DecideAfter = time.Hour
		store := &sourcetest.Store{}
		disk.write(path, received(0, 1)+authorized(0, 1)+received(20*time.Second, 2))
		require.Empty(t, once(t, cfg, store).Delivered())
		cfg.Options.DecideAfter = time.Second
		require.Len(t, once(t, cfg, store).Delivered(), 1)
	})
}

// Its DETAIL is waited for in vain or not: nothing but time ends a refusal that is the log's last word. A connection before it
// that is undecided makes a restart read it again, and then it is not delivered again.
func TestARefusalAtTheEndIsDeliveredOnce(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := serverPath
		cfg := disk.serverSettings(path)
		store := &sourcetest.Store{}
		disk.write(path, received(50*time.Second, 1)+received(50*time.Second, 2)+
			serverLine(50*time.Second, 2, "FATAL", `password authentication failed for user "alice"`)+
			serverLine(50*time.Second, 2, "DETAIL", `Role "alice" does not exist.`))
		told := onceLater(t, cfg, store, 2*time.Second).Delivered()
		require.Len(t, told, 1)
		require.Equal(t, session.ErrorUserUnknown, told[0].ErrorType)
		for n := range 5 {
			require.Empty(t, onceLater(t, cfg, store, time.Duration(n)*2*time.Second).Delivered())
			disk.append(path, serverLine(time.Duration(50+n)*time.Second, 7, "LOG", "checkpoint starting: time"))
		}
		disk.append(path, serverLine(58*time.Second, 1, "LOG", "connection authorized: user=alice database=app")+received(72*time.Second, 3))
		require.Len(t, onceLater(t, cfg, store, atOnce).Delivered(), 1)
		require.Empty(t, onceLater(t, cfg, store, time.Hour).Delivered())
	})
}

// A server's clock may go as it likes: what its log does not tell is decided by how long it has been silent, not by this
// machine's clock. That would have called a login a success whose refusal had no time to follow.
func TestTheLogHasAClockOfItsOwn(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		for _, ahead := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
			path := serverPath
			cfg := disk.serverSettings(path)
			cfg.Options.DecideAfter = 20 * time.Second
			store := &sourcetest.Store{}
			disk.write(path, received(ahead, 1)+authorized(ahead, 1)+received(ahead, 2)+authorized(ahead, 2))
			require.Empty(t, onceLater(t, cfg, store, atOnce).Delivered(), "decided before anything could follow")
			disk.append(path, serverLine(ahead, 1, "FATAL", `database "app" does not exist`)+serverLine(ahead, 9, "LOG", "checkpoint starting: time"))
			refused := onceLater(t, cfg, store, atOnce).Delivered()
			require.Len(t, refused, 1)
			require.Equal(t, session.OutcomeFailure, refused[0].Outcome)
			proven := onceLater(t, cfg, store, 21*time.Second).Delivered()
			require.Len(t, proven, 1, "not decided although the log has been silent for long")
			require.Equal(t, session.OutcomeSuccess, proven[0].Outcome)
			require.Empty(t, onceLater(t, cfg, store, time.Hour).Delivered())
		}
	})
}

// The only file is gone, or truncated, while the collector is away: who had begun in it is known all the same.
func TestWhatBeganInAFileThatIsGone(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		for _, gone := range []func(path string){disk.remove, disk.truncate} {
			disk.clear()
			path := serverPath
			cfg := disk.serverSettings(path + "*")
			cfg.Options.DecideAfter = time.Hour
			store := &sourcetest.Store{}
			disk.write(path, received(0, 1)+authorized(0, 1)+received(0, 2))
			require.Empty(t, onceLater(t, cfg, store, atOnce).Delivered())
			gone(path)
			disk.append(path, serverLine(time.Second, 1, "LOG", "disconnection: session time: 0:00:01.000 user=alice database=app host=10.0.0.7 port=1")+
				serverLine(time.Second, 2, "FATAL", `password authentication failed for user "alice"`)+received(2*time.Second, 3))
			require.Equal(t, []string{`login failure "alice" 10.0.0.7 2 `, `login success "alice" 10.0.0.7 1 `, `logout success "alice" 10.0.0.7 1 `},
				briefs(onceLater(t, cfg, store, atOnce).Delivered()))
			require.Empty(t, onceLater(t, cfg, store, 2*time.Hour).Delivered())
		}
	})
}

func TestInitialEndLeavesTheUndecidedOut(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := serverPath
		cfg := disk.serverSettings(path)
		cfg.SkipExisting = true
		disk.write(path, received(0, 1)+authorized(0, 1))
		store := &sourcetest.Store{}
		require.Empty(t, once(t, cfg, store).Delivered())
		require.Empty(t, once(t, cfg, store).Delivered())
	})
}

// A batch may be full with the very line that ends what is not wanted.
func TestInitialEndLeavesTheUndecidedOutWhereABatchIsFull(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := serverPath
		cfg := disk.serverSettings(path)
		cfg.SkipExisting = true
		const full = 4 << 20
		filler := serverLine(0, 9, "LOG", strings.Repeat("what fills a batch ", 60))
		last := authorized(0, 1)
		text := received(0, 1)
		text += strings.Repeat(filler, (full-len(text)-2*len(filler))/len(filler))
		text += serverLine(0, 9, "LOG", strings.Repeat("x", full-len(text)-len(last)-len(serverLine(0, 9, "LOG", ""))))
		disk.write(path, text+last)
		require.Len(t, text+last, full)
		store := &sourcetest.Store{}
		require.Empty(t, briefs(onceLater(t, cfg, store, time.Hour).Delivered()))
		require.Empty(t, briefs(onceLater(t, cfg, store, time.Hour).Delivered()))
	})
}

// The cursor of a rotated file may know a connection of the next file as it was long ago. What became of it since counts, also
// after a restart: it was refused.
func TestTheNewestCursorKnowsBest(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		old := serverPath
		current := old + ".2"
		cfg := disk.serverSettings(old, current)
		cfg.Options.DecideAfter = time.Hour
		store := &sourcetest.Store{}
		disk.write(old, received(0, 1)+authorized(0, 1))
		require.Empty(t, once(t, cfg, store).Delivered())
		disk.write(current, serverLine(time.Second, 1, "LOG", "disconnection: session time: 0:00:01.000 user=alice database=app host=10.0.0.7 port=1")+
			received(2*time.Second, 2)+authorized(2*time.Second, 2))
		j := start(t, cfg, store)
		await(t, "the old file's cursor has not moved", func() bool { return savedCursors(t, store)[old].Anchor == savedCursors(t, store)[old].Offset })
		require.Len(t, j.Delivered(), 2)
		disk.append(current, serverLine(2*time.Second, 2, "FATAL", `database "app" does not exist`)+received(9*time.Second, 3))
		await(t, "the refusal was not delivered", func() bool { return len(j.Delivered()) == 3 })
		require.Equal(t, session.OutcomeFailure, j.Delivered()[2].Outcome)
		j.stop(t)

		for range 2 {
			require.Empty(t, briefs(onceLater(t, cfg, store, 2*time.Hour).Delivered()))
		}
	})
}

// What a cursor knows is what was open when the run began. Its text may be opened again days later, as a compressed copy: what
// was delivered meanwhile is not delivered once more.
func TestACompressedCopyOpensNothingAgain(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		const head = "2026-11-21T22:03:47Z vm "
		for _, away := range []bool{false, true} {
			disk.clear()
			path := "/log/auth.log"
			store := &sourcetest.Store{}
			disk.write(path, strings.Repeat(head+"cron[3]: what makes a beginning\n", 60)+head+"sshd[1]: Invalid user x from 10.6.6.6 port 5\n")
			j := start(t, disk.settings(path), store)
			await(t, "the cursor has not moved", func() bool { return savedCursors(t, store)[path].Offset > 0 })
			j.stop(t)
			old := path + ".1"
			if away {
				old = "/log/elsewhere"
			}
			disk.rename(path, old)
			disk.write(path, "2026-11-21T22:03:57Z vm sshd[1]: Connection closed by invalid user x 10.6.6.6 port 5 [preauth]\n")
			j = start(t, disk.settings(path+"*"), store)
			await(t, "the failure was not delivered", func() bool { return len(j.Delivered()) == 1 })
			disk.write(path+".2.gz", gzipped(t, disk.read(old)))
			disk.remove(old)
			disk.write(path+".3", rowsOf("seen")) // later than the copy
			await(t, "the copy was not opened", func() bool { return len(j.Delivered()) == 2 })
			disk.append(path, "2026-11-21T22:33:57Z vm sshd[2]: Accepted password for y from 10.6.6.6 port 6 ssh2\n")
			await(t, "the login was not delivered", func() bool { return len(j.Delivered()) >= 3 })
			j.stop(t)
			require.Equal(t, []string{"x", "seen", "y"}, j.users())
		}
	})
}

// The last line of a file may have a rest that comes later, but not where another file goes on: its lines come before those.
func TestARotatedFileIsReadBeforeTheNext(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := serverPath
		cfg := disk.serverSettings(path + "*")
		cfg.Options.DecideAfter = time.Hour
		end := serverLine(time.Second, 1, "LOG", "disconnection: session time: 0:00:01.000 user=alice database=app host=10.0.0.7 port=1")
		want := []string{`login success "alice" 10.0.0.7 1 `, `logout success "alice" 10.0.0.7 1 `}
		first, rest := received(0, 1)+authorized(0, 1), end+received(2*time.Second, 2)

		disk.write(path, first)
		store := &sourcetest.Store{}
		require.Empty(t, onceLater(t, cfg, store, atOnce).Delivered())
		disk.write(path+".2", rest)
		j := start(t, cfg, store) // reads the first file once more
		await(t, "not all was delivered", func() bool { return len(j.Delivered()) >= 2 })
		j.stop(t)
		require.Equal(t, want, briefs(j.Delivered()))
		require.Equal(t, "connection authorized", j.Delivered()[0].SourceEvent)

		j = start(t, cfg, &sourcetest.Store{}) // and both at once
		await(t, "not all was delivered", func() bool { return len(j.Delivered()) >= 2 })
		j.stop(t)
		require.Equal(t, want, briefs(j.Delivered()))
		require.Equal(t, "connection authorized", j.Delivered()[0].SourceEvent)
	})
}
