package spool_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/sdk/spool"
	"github.com/otel-sessionlog/sessionlog/testengine"
)

// TestFullDisk: a durable login is refused at once, another one waits for room, and what was granted is there. The table stands on
// another disk and is locked, so that nothing makes room meanwhile.
func TestFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=256k"); err != nil {
		testengine.Missing(t, "the right to mount a small file system", "run this test as root")
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(disk, 0)) })
	_, db := paths(t)
	dir := filepath.Join(disk, "spool")
	a := launch(t, dir, db)
	unlock := lock(t, db)
	text := sessionlog.Reason(strings.Repeat("x", 5000))
	var granted []string
	var refused error
	for refused == nil {
		name := fmt.Sprintf("user-%d", len(granted))
		begun := time.Now()
		if refused = a.Login(t.Context(), sessionlog.User(name), text, sessionlog.DurableWithin(patience)); refused == nil {
			granted = append(granted, name)
			continue
		}
		require.Less(t, time.Since(begun), patience/2, "it does not wait for somebody to clear the disk")
	}
	require.ErrorIs(t, refused, sessionlog.ErrNotDurable)
	require.ErrorIs(t, refused, syscall.ENOSPC)
	require.Greater(t, len(granted), 20)

	patient := make(chan error, 1)
	go func() { patient <- a.Login(t.Context(), sessionlog.User("patient"), text) }()
	require.NoError(t, syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, "size=1m"))
	require.NoError(t, <-patient)
	a.hurry(t) // the table is locked: what follows was read from the disk

	unlock()
	a = launch(t, dir, db)
	a.leave(t)
	require.ElementsMatch(t, append(granted, "patient"), users(t, db))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 2, "lock and cursor")
}

// TestReadOnlyDisk: the disk goes away under a running application, and comes back.
func TestReadOnlyDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=1m"); err != nil {
		testengine.Missing(t, "the right to mount a small file system", "run this test as root")
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(disk, 0)) })
	_, db := paths(t)
	dir := filepath.Join(disk, "spool")
	a := launch(t, dir, db)
	require.NoError(t, a.Login(t.Context(), sessionlog.User("before"), sessionlog.Durable()))
	a.leave(t)
	require.NoError(t, syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	_, err := spool.NewProcessor(dir, noExporter{})
	require.ErrorIs(t, err, syscall.EROFS)
	require.NoError(t, syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, ""))
	a = launch(t, dir, db)
	require.NoError(t, a.Login(t.Context(), sessionlog.User("after"), sessionlog.Durable()))
	a.leave(t)
	require.Equal(t, []string{"before", "after"}, users(t, db))
}
