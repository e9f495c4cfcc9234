//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
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
	startLimit = time.Minute
	stopLimit  = time.Minute
)

// metricsClient has nothing compressed, which would cost the collector a fiftieth of its processor time.
var metricsClient = http.Client{Transport: &http.Transport{DisableCompression: true}}

// collector is a running process with its metrics on a port of ours.
type collector struct {
	*child.Process
	metrics string // URL
	log     string // file of stdout and stderr
}

// startCollector starts a binary with files of a configuration, and waits until it answers.
func startCollector(ctx context.Context, binary, dir, metricsPort string, configs, environment []string) (*collector, error) {
	config := configs[0]
	c := &collector{metrics: "http://127.0.0.1:" + metricsPort + "/metrics", log: filepath.Join(dir, filepath.Base(config)+".log")}
	out, err := os.Create(c.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }() // the child has its own
	var args []string
	for _, name := range configs {
		args = append(args, "--config", name)
	}
	cmd := exec.Command(binary, args...) //nolint:gosec,noctx // what was built for this; stopped by stop
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = append(os.Environ(), environment...), dir, out, out
	cmd.Env = append(cmd.Env, "METRICS_PORT="+metricsPort)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c.Process = child.Watch(cmd)
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		if _, err := c.count(ctx, ""); err == nil {
			return c, nil
		}
		select {
		case <-c.Ended():
			return nil, fmt.Errorf("%s ended: %w%s", filepath.Base(config), c.Result(), child.Tails(c.log))
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("%s has no metrics: %w%s", filepath.Base(config), ctx.Err(), child.Tails(c.log)), c.Kill())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// count is the sum of all time series of a counter.
func (c *collector) count(ctx context.Context, counter string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.metrics, nil)
	if err != nil {
		return 0, err
	}
	response, err := metricsClient.Do(request)
	if err != nil {
		return 0, err
	}
	text, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil || counter == "" {
		return 0, err
	}
	sum := 0.0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, counter) {
			value, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(strings.TrimSpace(line), ' '):]), 64)
			if err != nil {
				return 0, err
			}
			sum += value
		}
	}
	return int(sum), nil
}

// stop asks it to end and waits.
func (c *collector) stop() error {
	if err := c.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-c.Ended():
		return c.Result()
	case <-time.After(stopLimit):
		return errors.Join(fmt.Errorf("the collector does not end within %s%s", stopLimit, child.Tails(c.log)), c.Kill())
	}
}
