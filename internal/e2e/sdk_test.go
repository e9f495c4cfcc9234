package e2e

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
	"github.com/otel-sessionlog/sessionlog/testengine/port"
)

// TestAnySDKsRecordIsTheSameRow sends a record with every attribute of docs/event.md through an ordinary SDK and OTLP, over
// both protocols, and finds the event that the attributes describe.
func TestAnySDKsRecordIsTheSameRow(t *testing.T) {
	grpcAddress, httpAddress := freeAddress(t), freeAddress(t)
	col := newCollector(t, fmt.Sprintf("  otlp:\n    protocols: {grpc: {endpoint: %q}, http: {endpoint: %q}}\n", grpcAddress, httpAddress), "otlp")
	col.start(t)
	waitFor(t, grpcAddress)
	waitFor(t, httpAddress)

	overGRPC, err := otlploggrpc.New(context.Background(), otlploggrpc.WithEndpoint(grpcAddress), otlploggrpc.WithInsecure())
	require.NoError(t, err)
	overHTTP, err := otlploghttp.New(context.Background(), otlploghttp.WithEndpoint(httpAddress), otlploghttp.WithInsecure())
	require.NoError(t, err)
	var want []session.Event
	for i, exporter := range []sdklog.Exporter{overGRPC, overHTTP} {
		e := sessiontest.Full()
		e.RecordID[15] = byte(i)
		e.Extra = nil
		emit(t, exporter, e)
		want = append(want, *e)
	}
	col.stop(t)

	cfg := sqlite.DefaultConfig()
	cfg.Path = col.database()
	n := 0
	for got, err := range backendtest.StoredEvents(t.Context(), sqlite.OpenQueryStore, cfg, "arrival") {
		require.NoError(t, err)
		// What the SDK adds of its own is kept beside the fields.
		require.Contains(t, got.Extra, session.Attr{Key: "otel.scope.name", Value: "shop/login"})
		got.Extra = nil
		require.Equal(t, want[n], *got)
		n++
	}
	require.Equal(t, 2, n)
}

// emit is what an application does: a logger of a provider with a resource, one record, attributes by their names.
func emit(t *testing.T, exporter sdklog.Exporter, e *session.Event) {
	t.Helper()
	var resourceAttrs, attrs []attribute.KeyValue
	v := reflect.ValueOf(e).Elem()
	for _, f := range session.Fields {
		switch f.Level {
		case session.LevelResource:
			resourceAttrs = append(resourceAttrs, attribute.String(f.Attr, v.FieldByName(f.Name).String()))
		case session.LevelAttribute:
			if f.Name != "Extra" {
				attrs = append(attrs, attributeOf(f.Attr, v.FieldByName(f.Name).Interface()))
			}
		}
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewSimpleProcessor(exporter)),
		sdklog.WithResource(resource.NewSchemaless(resourceAttrs...)))
	var r log.Record
	r.SetEventName(e.Kind.EventName())
	r.SetTimestamp(time.Unix(0, e.Time))
	r.SetObservedTimestamp(time.Unix(0, e.Observed))
	r.SetSeverity(log.Severity(e.Severity))
	r.SetBody(attribute.StringValue(e.Message))
	r.AddAttributes(attrs...)
	ctx := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: e.TraceID, SpanID: e.SpanID}))
	provider.Logger("shop/login").Emit(ctx, r)
	require.NoError(t, provider.Shutdown(context.Background()))
}

func attributeOf(key string, v any) attribute.KeyValue {
	switch x := v.(type) {
	case []string:
		return attribute.StringSlice(key, x)
	case session.ID:
		return attribute.String(key, x.String())
	case session.Outcome:
		return attribute.String(key, x.String())
	case []session.Setting:
		var kvs []attribute.KeyValue
		for _, s := range x {
			kvs = append(kvs, attribute.String(s.Name, s.Value))
		}
		return attribute.KeyValue{Key: attribute.Key(key), Value: attribute.MapValue(kvs...)}
	case string:
		return attribute.String(key, x)
	case int64:
		return attribute.Int64(key, x)
	case int32:
		return attribute.Int64(key, int64(x))
	case uint32:
		return attribute.Int64(key, int64(x))
	}
	panic(fmt.Sprintf("no attribute of %T", v))
}

// freeAddress is one that the kernel gives to nobody else until the test ends.
func freeAddress(t testing.TB) string {
	t.Helper()
	r, err := port.ReserveWeakly(t.Context(), netip.MustParseAddrPort("127.0.0.1:0"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close() })
	return r.Addr().String()
}

func waitFor(t testing.TB, address string) {
	t.Helper()
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err == nil
	}, arrival, 10*time.Millisecond, strings.TrimSpace(address)+" does not answer")
}
