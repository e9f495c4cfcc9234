package sqlite

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// smallDisk mounts a file system of 8 MiB, where this user may.
func smallDisk(t *testing.T) (dir string, ok bool) {
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m,mode=0700"); err != nil {
		return "", false
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, 0)) })
	return dir, true
}

// makeReadOnly takes the right to write away from a mounted disk, or from a folder and what is in it.
func makeReadOnly(t *testing.T, dir string, mounted bool) (undo func()) {
	if mounted {
		remount := func(flags uintptr) {
			require.NoError(t, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, ""))
		}
		remount(syscall.MS_RDONLY)
		return func() { remount(0) }
	}
	require.NotZero(t, os.Getuid(), "root may write everywhere, and this one may not mount")
	return changeModes(t, dir)
}
