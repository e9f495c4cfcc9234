package sessionloglimits

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otel-sessionlog/sessionlog/extension/sessionloglimits/internal/otlpsize"
)

func TestConfig(t *testing.T) {
	cfg := NewFactory().CreateDefaultConfig().(*Config)
	require.NoError(t, componenttest.CheckConfigStruct(cfg))
	require.NoError(t, cfg.Validate())
	require.EqualError(t, (&Config{MaxRecords: 0, MaxAttributes: 1, MaxUnpackedBytes: -1}).Validate(),
		"max_records: 0: give 1 or more\nmax_unpacked_bytes: -1: give 1 or more")
}

func TestARefusalNamesItsKey(t *testing.T) {
	cfg := defaultConfig().(*Config)
	id := component.MustNewIDWithName("sessionlog_limits", "x")
	for key, err := range map[string]error{"max_records (100000)": otlpsize.ErrRecords, "max_attributes (1000000)": otlpsize.ErrAttributes, "max_unpacked_bytes (16777216)": otlpsize.ErrBytes} {
		require.ErrorContains(t, cfg.explainLimit(id, err), "sessionlog_limits/x::"+key)
		require.ErrorIs(t, cfg.explainLimit(id, err), err)
	}
	require.Equal(t, otlpsize.ErrNesting, cfg.explainLimit(id, otlpsize.ErrNesting))
}

func TestSignalOf(t *testing.T) {
	for name, want := range map[string]otlpsize.Signal{
		"/v1/logs": otlpsize.Logs, "/v1/traces": otlpsize.Traces, "/v1/metrics": otlpsize.Metrics, "*internal.ExportTraceServiceRequest": otlpsize.Traces,
		"/events": otlpsize.Unknown, "/logs/v1/metrics": otlpsize.Unknown,
	} {
		for range 10 {
			require.Equal(t, want, signalFromName(name), name)
		}
	}
}

// TestAServerTakesOneLimit: gRPC panics at a second one.
func TestAServerTakesOneLimit(t *testing.T) {
	conf := func(middlewares ...any) *confmap.Conf {
		return confmap.NewFromStringMap(map[string]any{"receivers": map[string]any{"otlp/x": map[string]any{"protocols": map[string]any{
			"grpc": map[string]any{"middlewares": middlewares}, "http": map[string]any{"middlewares": []any{map[string]any{"id": "sessionlog_limits"}}},
		}}}})
	}
	one, two, other := map[string]any{"id": "sessionlog_limits"}, map[string]any{"id": "sessionlog_limits/2"}, map[string]any{"id": "other"}
	require.NoError(t, CheckServers(conf(one, other)))
	require.NoError(t, CheckServers(conf()))
	for _, second := range []any{one, two} {
		require.EqualError(t, CheckServers(conf(one, other, second)), "receivers::otlp/x::protocols::grpc::middlewares: sessionlog_limits and "+
			second.(map[string]any)["id"].(string)+": a server takes one sessionlog_limits; leave one of them")
	}
}
