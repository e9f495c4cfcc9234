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

// isHeld tells that somebody else has the lock from that there are none on this file system.
func isHeld(err error) bool { return errors.Is(err, unix.EWOULDBLOCK) }
