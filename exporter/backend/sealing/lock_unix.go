//go:build unix

package sealing

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

func lockFile(file *os.File) error {
	return unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}

// isHeld reports whether somebody else has the lock: other errors mean that this file system has none.
func isHeld(err error) bool { return errors.Is(err, unix.EWOULDBLOCK) }
