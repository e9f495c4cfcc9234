package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// minimize bounds how often an input is run again to make it smaller: the default, a minute each, takes most of the time.
const minimize = "200x"

// fuzz runs one target for some time. An error means that there is nothing to write down.
func (c *campaign) fuzz(ctx context.Context, t target, length time.Duration) (result, error) {
	r := result{target: t, golang: runtime.Version(), outcome: broken}
	var err error
	if r.commit, err = c.module.commit(ctx); err != nil {
		return r, err
	}
	if r.dirty, err = c.module.dirty(ctx, t); err != nil {
		return r, err
	}
	binary, err := c.build(ctx, t)
	r.start = time.Now()
	if err != nil {
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
		fmt.Fprintln(c.out, err)
		return r, nil
	}
	defer os.Remove(binary)
	out := &listener{result: &r, out: c.out}
	err = c.start(ctx, t, binary, length, out)
	switch {
	case r.outcome == failed && r.artefact == "" && out.late:
		r.outcome = passed
	case r.outcome == failed && (r.artefact != "" || ctx.Err() == nil):
	case ctx.Err() != nil:
		r.outcome = interrupted
	case err == nil && out.began:
		r.outcome = passed
	case err != nil:
		fmt.Fprintln(c.out, err)
	}
	return r, nil
}

// build compiles the package's tests with the fuzzer's instruments.
func (c *campaign) build(ctx context.Context, t target) (string, error) {
	binary := filepath.Join(c.corpus, filepath.FromSlash(t.pkg), t.name+".test")
	if err := os.MkdirAll(filepath.Dir(binary), 0o755); err != nil {
		return "", err
	}
	_, err := output(ctx, c.module.dir, "go", "test", "-c", "-fuzz", t.name, "-o", binary, "./"+t.pkg)
	return binary, err
}

func (c *campaign) start(ctx context.Context, t target, binary string, length time.Duration, out io.Writer) error {
	// The kernel ends the child with the thread that started it, so this one must live on.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, binary, "-test.run=^$", "-test.fuzz=^"+t.name+"$", "-test.fuzztime="+length.String(),
		"-test.fuzzminimizetime="+minimize, "-test.fuzzcachedir="+filepath.Join(c.corpus, filepath.FromSlash(t.pkg)),
		"-test.parallel="+strconv.Itoa(c.parallel))
	cmd.Dir = filepath.Join(c.module.dir, filepath.FromSlash(t.pkg)) // where its testdata is
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(c.parallel))
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // then it tells its last figures
	cmd.WaitDelay = 20 * time.Second
	dieWithParent(cmd)
	if err := cmd.Run(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// listener reads what the fuzzer says, and passes it on.
type listener struct {
	result *result
	out    io.Writer
	rest   []byte
	late   bool // a run went on when the time was over: Go's fuzzer calls that a failure, without an input
	began  bool // on a busy machine a slice may end before all inputs were run that it began with
}

var (
	baseline = regexp.MustCompile(`gathering baseline coverage: \d+/(\d+) completed`)
	elapsed  = regexp.MustCompile(`^fuzz: elapsed: ([0-9hms.]+),`)
	progress = regexp.MustCompile(`, execs: (\d+) \(\d+/sec\), new interesting: (\d+)`)
	written  = regexp.MustCompile(`Failing input written to (\S+)`)
	verdict  = regexp.MustCompile(`^--- FAIL: \w+ \(([0-9hms.]+)\)`)
	seed     = regexp.MustCompile(`failure while testing seed corpus entry: (\S+)`)
)

func (l *listener) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		n, line, _ := bufio.ScanLines(l.rest, false)
		if n == 0 {
			return len(p), nil
		}
		l.line(string(line))
		l.rest = l.rest[n:]
	}
}

func (l *listener) line(s string) {
	r := l.result
	if m := elapsed.FindStringSubmatch(s); m != nil {
		r.seconds = seconds(m[1])
		l.figures(s)
		return
	}
	if m := written.FindStringSubmatch(s); m != nil {
		r.artefact = m[1]
	} else if m := seed.FindStringSubmatch(s); m != nil {
		r.artefact = "testdata/fuzz/" + m[1] // or one of the seeds in the code, by its number
	}
	if m := verdict.FindStringSubmatch(s); m != nil {
		r.outcome, r.seconds = failed, seconds(m[1])
	}
	if r.artefact != "" {
		r.outcome = failed
	}
	l.late = l.late || strings.TrimSpace(s) == "context deadline exceeded"
	fmt.Fprintln(l.out, "  ", s)
}

// figures reads a line of progress.
func (l *listener) figures(s string) {
	if m := baseline.FindStringSubmatch(s); m != nil {
		l.result.corpus, _ = strconv.Atoi(m[1]) // the pattern has digits only
		l.began = true
	}
	if m := progress.FindStringSubmatch(s); m != nil {
		l.result.execs, _ = strconv.ParseInt(m[1], 10, 64)
		l.result.found, _ = strconv.Atoi(m[2])
	}
}

func seconds(s string) float64 {
	length, _ := time.ParseDuration(s) // the fuzzer's own text
	return length.Seconds()
}
