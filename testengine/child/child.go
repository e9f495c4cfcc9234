// Package child watches the servers that tests start as processes of their own.
package child

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Process is a child that was started. A nil Process is one that never was: it has ended.
type Process struct {
	cmd    *exec.Cmd
	ended  chan struct{}
	result error // valid once ended is closed
}

// Watch waits for a command that was started, and whose pipes are read no more.
func Watch(cmd *exec.Cmd) *Process {
	p := &Process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		p.result = cmd.Wait()
		close(p.ended)
	}()
	return p
}

// ID is the process id.
func (p *Process) ID() int { return p.cmd.Process.Pid }

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// HasEnded tells whether it has.
func (p *Process) HasEnded() bool {
	if p == nil {
		return true
	}
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// Result is how it ended, once it has.
func (p *Process) Result() error { return p.result }

// Signal sends a signal; a process that has ended already is fine.
func (p *Process) Signal(signal os.Signal) error {
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// Kill ends the process at once, and waits until it has.
func (p *Process) Kill() error {
	if p == nil {
		return nil
	}
	if err := p.Signal(os.Kill); err != nil {
		return err
	}
	<-p.ended
	return nil
}

// tailBytes are enough to see why a server did not start.
const tailBytes = 3000

// Tails are the last lines of these files, for an error message.
func Tails(files ...string) string {
	var b strings.Builder
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err == nil && len(text) > 0 {
			fmt.Fprintf(&b, "\n--- end of %s ---\n%s", name, text[max(0, len(text)-tailBytes):])
		}
	}
	return b.String()
}
