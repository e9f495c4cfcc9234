package zookeeper

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/otel-sessionlog/sessionlog/testengine/child"
)

const readyPause = 20 * time.Millisecond

// guard is a shell that runs its arguments, says their process id, and kills them when its standard input ends: Java does not watch
// whether the test that started it has died.
const guard = `"$@" </dev/null >&3 2>&3 & echo $!; exec >&3; read -r _; kill -KILL $!; wait`

// process is a running ZooKeeper with the shell that guards it. A nil process is one that was never started.
type process struct {
	*child.Process // the guard
	lifeline       io.Closer
	pid            int // of ZooKeeper
}

// startProcess returns once ZooKeeper serves at addr.
func startProcess(ctx context.Context, logFile, addr string, args ...string) (*process, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command("/bin/sh", append([]string{"-c", guard, "zookeeper"}, args...)...) //nolint:gosec,noctx // it outlives ctx, which bounds the start alone
	cmd.Stderr, cmd.ExtraFiles = log, []*os.File{log}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C in a terminal is for the test to answer
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
	line, err := bufio.NewReader(stdout).ReadString('\n')
	p := &process{Process: child.Watch(cmd), lifeline: lifeline}
	if err == nil {
		p.pid, err = strconv.Atoi(strings.TrimSpace(line))
	}
	if err == nil {
		err = waitServing(ctx, addr)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w%s", err, child.Tails(logFile)), p.kill())
	}
	return p, nil
}

// kill ends ZooKeeper and the guard at once. A process that has ended already is fine.
func (p *process) kill() error {
	if p == nil {
		return nil
	}
	err := p.lifeline.Close()
	<-p.Ended()
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// waitServing asks until the answer to srvr tells a mode. The usual question, ruok, is answered before sessions are taken.
func waitServing(ctx context.Context, addr string) error {
	for {
		text, err := ask(ctx, addr, "srvr")
		if err == nil && strings.Contains(text, "\nMode: ") {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("not ready in time: %w", ctx.Err()), err)
		case <-time.After(readyPause):
		}
	}
}

func ask(ctx context.Context, addr, word string) (string, error) {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, word); err != nil {
		return "", err
	}
	text, err := io.ReadAll(conn)
	return string(text), err
}
