package main

import (
	"context"
	"errors"
	"os"

	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/sdk/spool"
)

const serviceName = "webapp"

// telemetry is what the pages tell: spans, which may be lost, and logins, which may not.
type telemetry struct {
	tracer trace.Tracer
	logins *sessionlog.Logger
	spans  *sdktrace.TracerProvider
	events *sdklog.LoggerProvider
}

func startTelemetry(ctx context.Context, folder string) (*telemetry, error) {
	host, _ := os.Hostname()
	res := resource.NewWithAttributes(semconv.SchemaURL, semconv.ServiceName(serviceName), semconv.ServiceInstanceID(host), semconv.HostName(host))

	traces, err := otlptracegrpc.New(ctx)
	if err != nil {
		return nil, err
	}
	records, err := otlploggrpc.New(ctx, otlploggrpc.WithRetry(otlploggrpc.RetryConfig{Enabled: false})) // the spool tries again
	if err != nil {
		return nil, err
	}
	processor, err := spool.NewProcessor(folder, records, spool.WithRefused(func(err error) bool {
		return status.Code(err) == codes.InvalidArgument
	}))
	if err != nil {
		return nil, err
	}
	t := &telemetry{
		spans:  sdktrace.NewTracerProvider(sdktrace.WithBatcher(traces), sdktrace.WithResource(res)),
		events: sdklog.NewLoggerProvider(sdklog.WithProcessor(processor), sdklog.WithResource(res)),
	}
	t.tracer = t.spans.Tracer(serviceName)
	t.logins = sessionlog.NewLogger(t.events, sessionlog.Namespace(serviceName))
	return t, nil
}

func (t *telemetry) shutdown(ctx context.Context) error {
	return errors.Join(t.events.Shutdown(ctx), t.spans.Shutdown(ctx))
}
