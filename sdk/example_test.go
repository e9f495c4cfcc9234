package sessionlog_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/sdk/backendexporter"
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

// Without a processor that answers, nobody vouches for the event.
func ExampleDurable() {
	logins := sessionlog.NewLogger(sdklog.NewLoggerProvider())
	err := logins.Login(context.Background(), sessionlog.User("alice"), sessionlog.Durable())
	fmt.Println(err)
	// Output: sessionlog: the event is not known to be durable: no processor of sdk/spool or sdk/blocking has answered: give one to the LoggerProvider, and shut the provider down last
}

// A server of any protocol says once who is at the other end; sessionhttp does so for net/http.
func ExampleContextWith() {
	logins := sessionlog.NewLogger(nil)
	ctx := sessionlog.ContextWith(context.Background(), sessionlog.Client(netip.MustParseAddr("192.0.2.7"), 4711))
	_ = logins.Failure(ctx, sessionlog.User("alice"), sessionlog.ErrorType(session.ErrorInvalidCredentials),
		sessionlog.Set(func(e *session.Event) { fmt.Println(e.ClientAddress, e.ErrorType) }))
	// Output: 192.0.2.7 invalid_credentials
}
