package loginmetrics

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

type metricsBuilder struct {
	md      pmetric.Metrics
	version string
	start   time.Time // of all counting
	now     time.Time
	scopes  map[Server]*scopeMetrics
}

// scopeMetrics holds the metrics of one resource; a metric is added with its first point.
type scopeMetrics struct {
	metrics                         pmetric.MetricSlice
	logins, durations, openSessions *pmetric.Metric
}

type attributeWriter func(pcommon.Map)

func (b *metricsBuilder) scopeForServer(p Server) *scopeMetrics {
	if s, ok := b.scopes[p]; ok {
		return s
	}
	s := &scopeMetrics{metrics: pmetric.NewMetricSlice()}
	b.scopes[p] = s
	return s
}

func (b *metricsBuilder) writeResources() {
	for p, s := range b.scopes {
		if s.metrics.Len() == 0 {
			continue
		}
		rm := b.md.ResourceMetrics().AppendEmpty()
		rm.SetSchemaUrl(plogs.SchemaURL)
		putNonEmptyText(rm.Resource().Attributes(), keyServiceName, p.System)
		putNonEmptyText(rm.Resource().Attributes(), keyInstanceID, p.Instance)
		sm := rm.ScopeMetrics().AppendEmpty()
		sm.SetSchemaUrl(plogs.SchemaURL)
		sm.Scope().SetName(plogs.ScopeName)
		sm.Scope().SetVersion(b.version)
		s.metrics.MoveAndAppendTo(sm.Metrics())
	}
}

func (s *scopeMetrics) findOrAdd(at **pmetric.Metric, name, unit, about string, begin func(pmetric.Metric)) pmetric.Metric {
	if *at == nil {
		m := s.metrics.AppendEmpty()
		m.SetName(name)
		m.SetUnit(unit)
		m.SetDescription(about)
		begin(m)
		*at = &m
	}
	return **at
}

func (b *metricsBuilder) addLogins(s *scopeMetrics, n int64, fill attributeWriter) {
	m := s.findOrAdd(&s.logins, LoginsMetric, "{login}", "Attempts to log in that succeeded or failed.", func(m pmetric.Metric) {
		m.SetEmptySum().SetIsMonotonic(true)
		m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	})
	b.fillPoint(m.Sum().DataPoints().AppendEmpty(), n, fill)
}

func (b *metricsBuilder) addOpenSessions(s *scopeMetrics, n int64, fill attributeWriter) {
	m := s.findOrAdd(&s.openSessions, SessionsOpenMetric, "{session}", "Sessions whose login was seen and whose logout was not.", func(m pmetric.Metric) {
		m.SetEmptySum().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	})
	b.fillPoint(m.Sum().DataPoints().AppendEmpty(), n, fill)
}

func (b *metricsBuilder) fillPoint(p pmetric.NumberDataPoint, n int64, fill attributeWriter) {
	p.SetStartTimestamp(pcommon.NewTimestampFromTime(b.start))
	p.SetTimestamp(pcommon.NewTimestampFromTime(b.now))
	p.SetIntValue(n)
	fill(p.Attributes())
}

func (b *metricsBuilder) addDurations(s *scopeMetrics, h *durationHistogram, fill attributeWriter) {
	m := s.findOrAdd(&s.durations, SessionDurationMetric, "s", "How long sessions lasted that have ended.", func(m pmetric.Metric) {
		m.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	})
	p := m.Histogram().DataPoints().AppendEmpty()
	p.SetStartTimestamp(pcommon.NewTimestampFromTime(b.start))
	p.SetTimestamp(pcommon.NewTimestampFromTime(b.now))
	p.SetCount(h.count)
	p.SetSum(h.sum)
	p.ExplicitBounds().FromRaw(DurationBounds)
	p.BucketCounts().FromRaw(h.buckets[:])
	fill(p.Attributes())
}
