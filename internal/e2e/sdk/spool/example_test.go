package spool_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/sdk/spool"
)

// Logins go to a collector; while it is not there they wait on the disk.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "spool") // an application names a folder that survives a restart
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	exporter, err := otlploggrpc.New(ctx, otlploggrpc.WithEndpoint("127.0.0.1:1"), otlploggrpc.WithInsecure(),
		otlploggrpc.WithRetry(otlploggrpc.RetryConfig{Enabled: false})) // the spool tries again by itself
	if err != nil {
		panic(err)
	}
	processor, err := spool.NewProcessor(dir, exporter,
		spool.WithRefused(func(err error) bool { return status.Code(err) == codes.InvalidArgument }))
	if err != nil {
		panic(err)
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(processor))

	logins := sessionlog.NewLogger(provider)
	fmt.Println("granted:", logins.Login(ctx, sessionlog.User("alice"), sessionlog.Durable()) == nil)

	ending, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	fmt.Println("delivered:", provider.Shutdown(ending) == nil)
	// Output:
	// granted: true
	// delivered: false
}
