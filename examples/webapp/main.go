// Command webapp is a web application with a login page. Whoever logs in logs into ClickHouse with his own name and password, and
// into PostgreSQL through the application's account: one click, three logins, one trace. README.md says how to run it.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// settings come from the environment; the OpenTelemetry exporters read theirs themselves (OTEL_EXPORTER_OTLP_ENDPOINT, …).
type settings struct {
	listen, clickhouse, postgres, spool string
}

func fromEnvironment() settings {
	return settings{
		listen:     or(os.Getenv("LISTEN"), "127.0.0.1:8080"),
		clickhouse: or(os.Getenv("CLICKHOUSE_URL"), "http://127.0.0.1:8123"),
		postgres:   os.Getenv("POSTGRES_URL"), // empty: no profiles
		spool:      or(os.Getenv("SPOOL"), "data/webapp/spool"),
	}
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, fromEnvironment())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "webapp:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends. The server goes first: no login is under way when telemetry ends.
func run(ctx context.Context, set settings) error {
	tel, err := startTelemetry(ctx, set.spool)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: newSite(set, tel), ReadHeaderTimeout: 5 * time.Second}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", set.listen)
	if err != nil {
		return errors.Join(err, tel.shutdown(ctx))
	}
	fmt.Printf("webapp: http://%s\n", listener.Addr())
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(err, server.Shutdown(ending), tel.shutdown(ending))
}
