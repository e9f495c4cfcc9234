// Command demo lets you watch logins arrive: it starts a real ClickHouse beside the collector, logs in and fails to log in
// every second as several users over both protocols, and the collector prints and stores what the server says of it.
// Ctrl-C stops all of it.
//
//	make demo
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/otel-sessionlog/sessionlog/testengine/logins"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

func main() {
	collector := flag.String("collector", "bin/otelcol-sessionlog", "the collector's binary")
	config := flag.String("config", "examples/demo/collector.yaml", "the collector's configuration")
	data := flag.String("data", "data/demo", "folder of the server and the table")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *collector, *config, *data)
	stop()
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, collector, config, data string) error {
	data, err := filepath.Abs(data)
	if err != nil {
		return err
	}
	fmt.Println("demo: starting ClickHouse")
	s, err := server.Start(ctx, server.Config{Dir: filepath.Join(data, "clickhouse")})
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Printf("demo: ClickHouse answers on %s (native) and http://%s; Ctrl-C stops everything\n", s.Native, s.HTTP)
	fmt.Printf("demo: ask the table meanwhile: sqlite3 %s/session_log.db 'SELECT event_time, type, user, client_port, interface FROM session_log ORDER BY event_time_microseconds DESC LIMIT 10'\n", data)

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cmd, err := startCollector(ctx, collector, config, data, s.Native)
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cancel(fmt.Errorf("the collector ended: %w", errors.Join(cmd.Wait(), context.Canceled)))
	}()
	err = logInEverySecond(ctx, s)
	cancel(nil)
	<-ended
	return err
}

// startCollector runs it as a child that an interrupt of ctx asks to stop.
func startCollector(ctx context.Context, binary, config, data, native string) (*exec.Cmd, error) {
	cmd := exec.CommandContext(ctx, binary, "--config", config)
	cmd.Env = append(os.Environ(), "SESSIONLOG_DATA="+data, "DEMO_CLICKHOUSE="+native,
		"DEMO_USER="+server.Audit.Name, "DEMO_PASSWORD="+server.Audit.Password)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us; we tell it
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	return cmd, cmd.Start()
}

func logInEverySecond(ctx context.Context, s *server.Server) error {
	client := logins.New(s.Native, s.HTTP)
	defer client.Close()
	plan := logins.Plan(10_000, uint64(time.Now().UnixNano())) //nolint:gosec // any seed will do
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		if _, err := client.Login(ctx, plan[i%len(plan)]); err != nil && ctx.Err() == nil {
			return err
		}
	}
}
