package spool

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
)

// TestEveryCallerOfAFailedWriteIsTold: callers who share a write that the disk takes half of. Those who are granted are in the table after
// a restart, and nobody else, whether or not the application went on where the write had failed.
func TestEveryCallerOfAFailedWriteIsTold(t *testing.T) {
	const callers, room, size = 16, 256 << 10, 5000
	for name, later := range map[string]int{"at once the end": 0, "and on": 8} {
		t.Run(name, func(t *testing.T) {
			disk := t.TempDir()
			requireMount(t, syscall.Mount("tmpfs", disk, "tmpfs", 0, fmt.Sprintf("size=%d", room)))
			t.Cleanup(func() { require.NoError(t, syscall.Unmount(disk, 0)) })
			table := &memoryTable{}
			dir := filepath.Join(disk, "spool")
			a := startApp(t, dir, table)
			failed := watch(a.processor, waitForOthers)
			table.setLocked(true)
			text := sessionlog.Reason(strings.Repeat("x", size))
			granted, refused := a.logInBy(t, callers, 100, text, sessionlog.DurableWithin(testTimeout))
			_ = syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, "size=1m")
			for i := range later {
				granted = append(granted, fmt.Sprintf("later-%d", i))
				require.NoError(t, a.Login(t.Context(), sessionlog.User(granted[len(granted)-1]), text, sessionlog.DurableWithin(testTimeout)))
			}
			a.shutdownNow(t)
			table.setLocked(false)
			startApp(t, dir, table).shutdownApp(t)

			require.Len(t, refused, int(failed.records.Load()), "%d were granted", len(granted))
			for _, err := range refused {
				require.ErrorIs(t, err, sessionlog.ErrNotDurable)
				require.ErrorIs(t, err, syscall.ENOSPC)
			}
			require.Greater(t, failed.largest.Load(), int64(1), "no two callers shared a write that failed")
			require.ElementsMatch(t, granted, table.users)
		})
	}
}
