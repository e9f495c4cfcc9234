//go:build unix

package spool

import (
	"os"

	"golang.org/x/sys/unix"
)

func lockExclusively(file *os.File) error {
	return unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}

func syncDirectory(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}
