package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/otel-sessionlog/sessionlog/testengine/child"
)

const (
	stopLimit  = 60 * time.Second
	readyPause = 5 * time.Millisecond
)

// process is a running postmaster. A nil process is one that was never started: it can be stopped.
type process struct{ *child.Process }

// startProcess returns once the postmaster says in its postmaster.pid that it is ready. Asking over a connection would leave lines in
// the log that a test is about to read.
func startProcess(ctx context.Context, cmd *exec.Cmd, dataDir, errorFile string) (*process, error) {
	stderr, err := os.Create(errorFile)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stderr.Close() }()
	cmd.Stdout, cmd.Stderr = stderr, stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{child.Watch(cmd)}
	ticker := time.NewTicker(readyPause)
	defer ticker.Stop()
	for !p.ready(dataDir) {
		select {
		case <-ticker.C:
		case <-p.Ended():
			return nil, fmt.Errorf("it ended before it was ready: %w", p.Result())
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("not ready in time: %w", ctx.Err()), p.end(syscall.SIGQUIT))
		}
	}
	return p, nil
}

// ready reads line 8 of postmaster.pid. Line 1 must be ours: the file of a server that was killed stays.
func (p *process) ready(dataDir string) bool {
	text, err := os.ReadFile(filepath.Join(dataDir, "postmaster.pid"))
	if err != nil {
		return false
	}
	lines := strings.Split(string(text), "\n")
	return len(lines) > 7 && lines[0] == strconv.Itoa(p.ID()) && strings.TrimSpace(lines[7]) == "ready"
}

// end sends the signal and waits until the server and its children are gone. A process that has ended already is fine.
func (p *process) end(signal syscall.Signal) error {
	if p == nil || p.HasEnded() {
		return nil
	}
	children := childrenOf(p.ID())
	if err := p.Signal(signal); err != nil {
		return err
	}
	select {
	case <-p.Ended():
	case <-time.After(stopLimit):
		return errors.Join(fmt.Errorf("the server did not end within %s of %s and was killed", stopLimit, signal), p.Kill())
	}
	return endOrphans(children)
}
