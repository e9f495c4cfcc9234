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
)

const (
	stopLimit = 30 * time.Second
	tailBytes = 3000
)

// process is a running launcher. A nil process is one that was never started: it can be stopped.
type process struct {
	cmd      *exec.Cmd
	lifeline io.Closer // the child's standard input: it stops when this end closes, as it does when we die
	ended    chan struct{}
	result   error // valid once ended is closed
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
	p := &process{cmd: cmd, lifeline: lifeline, ended: make(chan struct{})}
	go func() {
		p.result = cmd.Wait()
		close(p.ended)
	}()
	if inTime && err == nil && strings.HasPrefix(line, "ready ") {
		return p, nil
	}
	_ = p.kill()
	if !inTime {
		return nil, fmt.Errorf("not ready in time: %w", ctx.Err())
	}
	return nil, fmt.Errorf("it ended before it was ready: %w", p.result)
}

// stop asks for a clean end and waits for it.
func (p *process) stop() error {
	if p == nil || p.hasEnded() {
		return nil
	}
	_ = p.lifeline.Close()
	select {
	case <-p.ended:
		return p.result
	case <-time.After(stopLimit):
		return errors.Join(fmt.Errorf("the server did not stop within %s and was killed", stopLimit), p.kill())
	}
}

// kill ends the process at once. A process that has ended already is fine.
func (p *process) kill() error {
	if p == nil {
		return nil
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.ended
	return nil
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
