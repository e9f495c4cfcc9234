package loginmetrics

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// builder puts points together by resource.
type builder struct {
	md      pmetric.Metrics
	version string
	delta   bool
	span    Span
	scopes  map[Place]*scope
}

// scope is the metrics of one resource; a metric is made with its first point.
type scope struct {
	metrics                pmetric.MetricSlice
	logins, durations, now *pmetric.Metric
}

// attributes fills in those of a point.
type attributes func(pcommon.Map)

func (b *builder) scope(p Place) *scope {
	if s, ok := b.scopes[p]; ok {
		return s
	}
	s := &scope{metrics: pmetric.NewMetricSlice()}
	b.scopes[p] = s
	return s
}

// place writes every scope that has a metric.
func (b *builder) place() {
	for p, s := range b.scopes {
		if s.metrics.Len() == 0 {
			continue
		}
		rm := b.md.ResourceMetrics().AppendEmpty()
		rm.SetSchemaUrl(plogs.SchemaURL)
		text(rm.Resource().Attributes(), keyServiceName, p.System)
		text(rm.Resource().Attributes(), keyInstanceID, p.Instance)
		sm := rm.ScopeMetrics().AppendEmpty()
		sm.SetSchemaUrl(plogs.SchemaURL)
		sm.Scope().SetName(plogs.ScopeName)
		sm.Scope().SetVersion(b.version)
		s.metrics.MoveAndAppendTo(sm.Metrics())
	}
}

// metric finds a scope's metric, or makes it.
func (s *scope) metric(at **pmetric.Metric, name, unit, about string, begin func(pmetric.Metric)) pmetric.Metric {
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

func (b *builder) temporality() pmetric.AggregationTemporality {
	if b.delta {
		return pmetric.AggregationTemporalityDelta
	}
	return pmetric.AggregationTemporalityCumulative
}

func (b *builder) login(s *scope, c *count, fill attributes) {
	n := c.total
	c.told = n
	if b.delta {
		if n -= c.sent; n == 0 {
			return
		}
	}
	m := s.metric(&s.logins, Logins, "{login}", "Attempts to log in that reached a verdict.", func(m pmetric.Metric) {
		m.SetEmptySum().SetIsMonotonic(true)
		m.Sum().SetAggregationTemporality(b.temporality())
	})
	b.point(m.Sum().DataPoints().AppendEmpty(), n, b.start(), fill)
}

// open is a sum that goes up and down, of now, by either temporality: so the specification has it.
func (b *builder) open(s *scope, n int64, fill attributes) {
	m := s.metric(&s.now, SessionsOpen, "{session}", "Sessions whose login was seen and whose logout was not.", func(m pmetric.Metric) {
		m.SetEmptySum().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	})
	b.point(m.Sum().DataPoints().AppendEmpty(), n, b.span.Began, fill)
}

// start of what is told: of the total, or of what is new.
func (b *builder) start() time.Time {
	if b.delta {
		return b.span.Start
	}
	return b.span.Began
}

func (b *builder) point(p pmetric.NumberDataPoint, n int64, start time.Time, fill attributes) {
	p.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
	p.SetTimestamp(pcommon.NewTimestampFromTime(b.span.End))
	p.SetIntValue(n)
	fill(p.Attributes())
}

func (b *builder) duration(s *scope, h *histogram, fill attributes) {
	a := h.total
	h.told = a
	if b.delta {
		if a = a.minus(h.sent); a.count == 0 {
			return
		}
	}
	m := s.metric(&s.durations, SessionDuration, "s", "How long sessions lasted that have ended.", func(m pmetric.Metric) {
		m.SetEmptyHistogram().SetAggregationTemporality(b.temporality())
	})
	p := m.Histogram().DataPoints().AppendEmpty()
	p.SetStartTimestamp(pcommon.NewTimestampFromTime(b.start()))
	p.SetTimestamp(pcommon.NewTimestampFromTime(b.span.End))
	p.SetCount(a.count)
	p.SetSum(a.sum)
	p.ExplicitBounds().FromRaw(Bounds)
	p.BucketCounts().FromRaw(a.buckets[:])
	fill(p.Attributes())
}
