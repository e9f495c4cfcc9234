package sessiontraceconnector

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// history is a day's work in small: a login with its logout, one that lasts, a failed one.
func history() []session.Event {
	bad := login(3)
	bad.Outcome, bad.ErrorType = session.OutcomeFailure, session.ErrorInvalidCredentials
	first := login(1)
	untold := login(4) // its source tells no duration
	end := logout(untold, 4*time.Second)
	end.Duration = 0
	return []session.Event{first, login(2), bad, logout(first, 90*time.Second), untold, end}
}

// last is the newest value of a metric: of its points, the one with these attributes.
func last(t *testing.T, sink *consumertest.MetricsSink, metric string, attrs map[string]any) (found pmetric.NumberDataPoint, ok bool) {
	t.Helper()
	for _, md := range sink.AllMetrics() {
		for _, rm := range md.ResourceMetrics().All() {
			require.Equal(t, map[string]any{"service.name": "clickhouse", "service.instance.id": "warehouse"}, rm.Resource().Attributes().AsRaw())
			for _, m := range rm.ScopeMetrics().At(0).Metrics().All() {
				if m.Name() != metric {
					continue
				}
				for _, p := range m.Sum().DataPoints().All() {
					if mapsEqual(p.Attributes().AsRaw(), attrs) {
						found, ok = p, true
					}
				}
			}
		}
	}
	return found, ok
}

func mapsEqual(a, b map[string]any) bool {
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return len(a) == len(b)
}

func TestMetricsOfLogins(t *testing.T) {
	for _, alone := range []bool{false, true} {
		var sink *consumertest.MetricsSink
		if alone {
			sink = onlyMetrics(t, history())
		} else {
			r := newRig(t, defaultConfig(), nil)
			r.consume(t, history()...)
			r.consume(t, history()[:0]...)
			r.stop(t)
			sink = &r.points
		}
		ok := map[string]any{"db.system.name": "clickhouse", "sessionlog.outcome": "success", "sessionlog.auth.method": "password"}
		p, found := last(t, sink, "sessionlog.logins", ok)
		require.True(t, found)
		require.EqualValues(t, 3, p.IntValue())
		ok["sessionlog.outcome"], ok["error.type"] = "failure", "invalid_credentials"
		p, found = last(t, sink, "sessionlog.logins", ok)
		require.True(t, found)
		require.EqualValues(t, 1, p.IntValue())
		p, found = last(t, sink, "sessionlog.session.open", map[string]any{"db.system.name": "clickhouse"})
		require.True(t, found)
		require.EqualValues(t, 1, p.IntValue())
		h := histograms(sink)
		require.Len(t, h, 1)
		require.EqualValues(t, 2, h[0].Count())
		require.InDelta(t, 94, h[0].Sum(), 1e-6, "90 s that the source tells and 4 s between login and logout")
	}
}

// onlyMetrics is a configuration without a logs pipeline behind the connector.
func onlyMetrics(t *testing.T, events []session.Event) *consumertest.MetricsSink {
	t.Helper()
	sink := &consumertest.MetricsSink{}
	m, err := NewFactory().CreateLogsToMetrics(context.Background(), connectortest.NewNopSettings(Type), defaultConfig(), sink)
	require.NoError(t, err)
	require.NoError(t, m.Start(context.Background(), componenttest.NewNopHost()))
	require.NoError(t, m.ConsumeLogs(context.Background(), plogs.NewEncoder("test").Encode(events)))
	require.NoError(t, m.Shutdown(context.Background()))
	return sink
}

func histograms(sink *consumertest.MetricsSink) (points []pmetric.HistogramDataPoint) {
	for _, md := range sink.AllMetrics() {
		for _, rm := range md.ResourceMetrics().All() {
			for _, m := range rm.ScopeMetrics().At(0).Metrics().All() {
				if m.Type() == pmetric.MetricTypeHistogram {
					for _, p := range m.Histogram().DataPoints().All() {
						points = append(points, p)
					}
				}
			}
		}
	}
	return points
}

// Metrics are sent every interval.
func TestMetricsEveryInterval(t *testing.T) {
	cfg := defaultConfig()
	cfg.Metrics.Interval = 10 * time.Millisecond
	r := newRig(t, cfg, nil)
	r.consume(t, login(1))
	require.Eventually(t, func() bool { return len(r.points.AllMetrics()) >= 3 }, 30*time.Second, 5*time.Millisecond)
}
