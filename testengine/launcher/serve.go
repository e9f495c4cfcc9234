//go:build linux && amd64

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

const (
	startLimit = 2 * time.Minute  // a cold page cache on a slow disk takes seconds
	stopLimit  = 15 * time.Second // the engine itself waits up to 5 s for open connections
	probePause = 10 * time.Millisecond
)

// serve runs the engine until a signal, the parent or the engine itself ends it. node is nil for a server of its own.
func serve(e *engine, node *replica, f flags, files stdio, native, web netip.AddrPort) error {
	// The engine serves for as long as its last query runs: one that reads a pipe, and ends when we close our end.
	hold, release, err := os.Pipe()
	if err != nil {
		return err
	}
	stopped := make(chan struct{})
	asked := make(chan struct{})
	go func() {
		err := waitReady(native, web, stopped)
		if err == nil && node != nil && f.queue != "" {
			err = node.startDDL(f.queue)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "launcher:", err)
			os.Exit(1)
		}
		stop := stopRequests(files.parent, f.untilStdinCloses) // now: while it starts, the engine sets a SIGINT handler of its own
		_, _ = fmt.Fprintf(files.out, "ready pid=%d native=%s http=%s version=%s\n", os.Getpid(), native, web, e.version())
		<-stop
		close(asked)
		time.AfterFunc(stopLimit, func() { os.Exit(3) })
		_, _ = files.terminal.WriteString("exit\n")
		_ = release.Close()
	}()

	err = e.run(arguments(f, native, web, hold.Fd()))
	runtime.KeepAlive(hold) // a collected file would close the pipe
	close(stopped)
	select {
	case <-asked:
		return err
	default:
		return errors.Join(errors.New("the engine stopped by itself"), err)
	}
}

func arguments(f flags, native, web netip.AddrPort, hold uintptr) []string {
	args := []string{
		"clickhouse-local", "--interactive", "--disable_suggestion", "--progress=off", "--progress-table=off",
		// Not /dev/null: the engine sets this file's permissions.
		"--history_file=" + filepath.Join(f.dir, "history"),
		"--logger.console=0",
		"--path=" + f.dir,
		// Always one: the engine would otherwise take config.xml from the working directory or the home directory.
		"--config-file=" + f.config,
		fmt.Sprintf("--tcp_port=%d", native.Port()),
		fmt.Sprintf("--http_port=%d", web.Port()),
	}
	if f.interserver == "" { // a node's two addresses are in its config file: an argument holds one
		args = append(args, "--listen_host="+native.Addr().String())
	}
	if f.logFile != "" {
		args = append(args, "--logger.log="+f.logFile, "--logger.level="+f.logLevel, "--log-level="+f.logLevel)
	}
	return append(args,
		"--query=SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP",
		fmt.Sprintf("--query=SELECT count() FROM file('/dev/fd/%d', LineAsString) FORMAT Null", hold),
		// Behind -- stand entries of the config file, not options. This one lets the engine listen beside our reservation of the port.
		"--", "--listen_reuse_port=1")
}

// waitReady returns when both listeners answer: the engine, being interactive, would go on without one. After stopped it waits for
// ever, for then the engine has ended and run says why.
func waitReady(native, web netip.AddrPort, stopped <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	for {
		err := dial(ctx, native) // which opens first, and costs less to ask in vain
		if err == nil {
			err = ping(ctx, web)
		}
		if err == nil {
			return nil
		}
		select {
		case <-stopped:
			select {}
		case <-ctx.Done():
			return fmt.Errorf("no answer from the engine after %s: %w", startLimit, err)
		case <-time.After(probePause):
		}
	}
}

func dial(ctx context.Context, addr netip.AddrPort) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return err
	}
	return conn.Close()
}

func ping(ctx context.Context, addr netip.AddrPort) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr.String()+"/ping", nil)
	if err != nil {
		return err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64))
	if err == nil && string(body) != "Ok.\n" {
		err = fmt.Errorf("/ping answered %s", resp.Status)
	}
	return err
}

// stopRequests tells of the first reason to stop: SIGTERM, SIGINT, or the end of what was standard input.
func stopRequests(parent *os.File, watchParent bool) <-chan os.Signal {
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	if watchParent {
		go func() {
			_, _ = io.Copy(io.Discard, parent)
			stop <- syscall.SIGTERM
		}()
	}
	return stop
}
