package backendexporter_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/exporter/backendexporter"
	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/sdk/blocking"
	"github.com/otel-sessionlog/sessionlog/session"
)

// An application that writes its logins straight into a table, and grants none that is not there.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	cfg := sqlite.DefaultConfig()
	cfg.Path = filepath.Join(dir, "session_log.db")
	exporter, err := backendexporter.New(ctx, sqlite.New, cfg)
	if err != nil {
		panic(err)
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(blocking.NewProcessor(exporter)))
	defer func() { _ = provider.Shutdown(ctx) }()

	logins := sessionlog.NewLogger(provider, sessionlog.Namespace("shop"))
	if err := logins.Login(ctx, sessionlog.User("alice"), sessionlog.AuthMethod(session.AuthPassword), sessionlog.Durable()); err != nil {
		fmt.Println("refused:", err)
		return
	}
	fmt.Println("welcome")
	// Output: welcome
}
