//go:build linux && amd64

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/creack/pty"
	"github.com/google/uuid"
)

// systemDatabase makes `system` a database on disk. `clickhouse local` keeps it in memory otherwise: then session_log is gone after
// a restart and cannot be made again over the directory it left, and SYSTEM FLUSH LOGS hangs for three minutes.
const systemDatabase = "ATTACH DATABASE _ UUID '%s' ENGINE = Atomic\n"

// prepareDataDir makes the data directory as a server would find it. What is there already is kept.
func prepareDataDir(dir string) error {
	metadata := filepath.Join(dir, "metadata")
	if err := os.MkdirAll(metadata, 0o755); err != nil {
		return err
	}
	file := filepath.Join(metadata, "system.sql")
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(file, fmt.Appendf(nil, systemDatabase, uuid.New()), 0o644)
}

// stdio is what became of the standard files when the engine got its own.
type stdio struct {
	parent   *os.File // what standard input was: ends when the parent closes it or dies
	out      *os.File // what standard output was: for the ready line
	terminal *os.File // our side of the engine's terminal
}

// takeOverStdio gives the engine a terminal as standard input and nowhere as standard output.
//
// Only with a terminal is `clickhouse local` interactive, and only then does it survive: otherwise it installs an error handler that
// ends the process on any exception that leaves a connection's thread, and a client that connects and resets is enough for that.
// What an interactive client prints is of no use to anybody.
func takeOverStdio() (stdio, error) {
	var s stdio
	var err error
	if s.parent, err = duplicate(os.Stdin, "stdin"); err != nil {
		return s, err
	}
	if s.out, err = duplicate(os.Stdout, "stdout"); err != nil {
		return s, err
	}
	master, terminal, err := pty.Open()
	if err != nil {
		return s, fmt.Errorf("open a terminal for the engine (is /dev/pts mounted?): %w", err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return s, err
	}
	s.terminal = master
	return s, errors.Join(
		syscall.Dup3(int(terminal.Fd()), syscall.Stdin, 0),
		syscall.Dup3(int(null.Fd()), syscall.Stdout, 0),
	)
}

func duplicate(f *os.File, name string) (*os.File, error) {
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		return nil, fmt.Errorf("duplicate %s: %w", name, err)
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), name), nil
}
