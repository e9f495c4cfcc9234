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
)

const (
	stopLimit  = 60 * time.Second
	readyPause = 5 * time.Millisecond
	tailBytes  = 3000
)

// process is a running postmaster. A nil process is one that was never started: it can be stopped.
type process struct {
	cmd    *exec.Cmd
	ended  chan struct{}
	result error // valid once ended is closed
}

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
	p := &process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		p.result = cmd.Wait()
		close(p.ended)
	}()
	ticker := time.NewTicker(readyPause)
	defer ticker.Stop()
	for !p.ready(dataDir) {
		select {
		case <-ticker.C:
		case <-p.ended:
			return nil, fmt.Errorf("it ended before it was ready: %w", p.result)
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
	return len(lines) > 7 && lines[0] == strconv.Itoa(p.cmd.Process.Pid) && strings.TrimSpace(lines[7]) == "ready"
}

// end sends the signal and waits until the server and its children are gone. A process that has ended already is fine.
func (p *process) end(signal syscall.Signal) error {
	if p == nil || p.hasEnded() {
		return nil
	}
	children := childrenOf(p.cmd.Process.Pid)
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
	case <-time.After(stopLimit):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("the server did not end within %s of %s and was killed", stopLimit, signal)
	}
	return endOrphans(children)
}

func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// tails are the last lines of these files, for an error message.
func tails(files ...string) string {
	var b strings.Builder
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil || len(text) == 0 {
			continue
		}
		if len(text) > tailBytes {
			text = text[len(text)-tailBytes:]
		}
		fmt.Fprintf(&b, "\n--- end of %s ---\n%s", name, text)
	}
	return b.String()
}
