package tail_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
)

// A writer that does not append leaves a hole where the truncated text was.
func TestHolesArePassedOver(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := "/log/auth.log"
		end := 0
		put := func(text string) {
			disk.writeAt(path, text, end)
			end += len(text)
		}
		put(strings.Repeat(sshdLine(0, 1, "Server listening on 0.0.0.0 port 22."), 5000) + accepted(1, "a"))
		store := &sourcetest.Store{}
		j := start(t, disk.settings(path), store)
		j.awaitUsers(t, "a")
		for n, user := range []string{"b", "d"} {
			disk.truncate(path)
			put(accepted(2*n+2, user))
			await(t, user+" was not delivered", func() bool { return len(j.Delivered()) == 2*n+2 })
			put(accepted(2*n+3, string(user[0]+1)))
			await(t, "what was appended behind the hole was not delivered", func() bool { return len(j.Delivered()) == 2*n+3 })
		}
		j.stop(t)
		require.Equal(t, []string{"a", "b", "c", "d", "e"}, j.users())
		require.Equal(t, 2, j.stats.Counts().BadRows, "one for each hole")
		require.Contains(t, j.stats.Counts().Reasons[0], "a hole of ")
		put(accepted(9, "f"))
		j = once(t, disk.settings(path), store)
		require.Equal(t, []string{"f"}, j.users())
		require.Zero(t, j.stats.Counts().BadRows, "counted again")
	})
}

// A loss of power may leave NULs behind a torn line, and a file may be longer than what is written to it yet.
func TestHolesWithinAFile(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := "/log/auth.log"
		first := accepted(1, "a")
		second := accepted(2, "b")
		disk.write(path, first+"2026-11-21T22:00:01Z vm sshd"+strings.Repeat("\x00", 3000)+second)
		require.Equal(t, []string{"a", "b"}, once(t, disk.settings(path), &sourcetest.Store{}).users())

		disk.write(path, first+strings.Repeat("\x00", 1<<20))
		j := start(t, disk.settings(path), &sourcetest.Store{})
		j.awaitUsers(t, "a")
		scans(3)
		disk.writeAt(path, second, len(first))
		j.awaitUsers(t, "a", "b")
		j.stop(t)
	})
}

// A hole is counted once, also where a restart reads the text around it again, and not in what is not to be delivered.
func TestAHoleIsCountedOnce(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		path := serverPath
		cfg := disk.serverSettings(path)
		cfg.Options.DecideAfter = time.Hour
		store := &sourcetest.Store{}
		disk.write(path, received(0, 1)+authorized(0, 1)+strings.Repeat("\x00", 3000)+received(time.Second, 2))
		require.Equal(t, 1, once(t, cfg, store).stats.Counts().BadRows)
		require.Zero(t, savedCursors(t, store)[path].Anchor, "the hole is not read again")
		disk.append(path, received(2*time.Second, 3))
		require.Zero(t, once(t, cfg, store).stats.Counts().BadRows)

		cfg.SkipExisting = true
		require.Zero(t, once(t, cfg, &sourcetest.Store{}).stats.Counts().BadRows)
	})
}
