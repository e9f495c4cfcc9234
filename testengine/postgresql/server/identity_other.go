//go:build unix && !linux

package server

import (
	"context"
	"os/exec"
)

// There is no engine for these systems (engines.Supported); the package compiles all the same.
func command(ctx context.Context, program string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, program, args...)
}

func own(string) error { return nil }

func closedTo(string) (string, error) { return "", nil }

func letIn(string) error { return nil }
