package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/otel-sessionlog/sessionlog/testengine/child"
)

const stopLimit = 30 * time.Second

// process is a running launcher. A nil process is one that was never started: it can be stopped.
type process struct {
	*child.Process
	lifeline io.Closer // the child's standard input: it stops when this end closes, as it does when we die
}

// startProcess returns once the child has printed its ready line.
func startProcess(ctx context.Context, cmd *exec.Cmd, errorFile string) (*process, error) {
	stderr, err := os.Create(errorFile)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stderr.Close() }()
	cmd.Stderr = stderr
	// Ctrl-C in a terminal reaches the whole foreground group: the child's end is ours to decide.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	giveUp := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	inTime := giveUp()
	p := &process{Process: child.Watch(cmd), lifeline: lifeline}
	if inTime && err == nil && strings.HasPrefix(line, "ready ") {
		return p, nil
	}
	_ = p.Kill()
	if !inTime {
		return nil, fmt.Errorf("not ready in time: %w", ctx.Err())
	}
	return nil, fmt.Errorf("it ended before it was ready: %w", p.Result())
}

// stop asks for a clean end and waits for it.
func (p *process) stop() error {
	if p == nil || p.HasEnded() {
		return nil
	}
	_ = p.lifeline.Close()
	select {
	case <-p.Ended():
		return p.Result()
	case <-time.After(stopLimit):
		return errors.Join(fmt.Errorf("the server did not stop within %s and was killed", stopLimit), p.Kill())
	}
}

// kill ends the process at once.
func (p *process) kill() error {
	if p == nil {
		return nil
	}
	return p.Kill()
}
