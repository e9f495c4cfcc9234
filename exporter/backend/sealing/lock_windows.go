package sealing

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

func lockFile(file *os.File) error {
	return windows.LockFileEx(windows.Handle(file.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
}

// isHeld reports whether somebody else has the lock: other errors mean that this file system has none.
func isHeld(err error) bool { return errors.Is(err, windows.ERROR_LOCK_VIOLATION) }
