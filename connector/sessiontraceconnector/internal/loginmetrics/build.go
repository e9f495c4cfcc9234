package loginmetrics

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/otel-sessionlog/sessionlog/session"
)

// The metrics.
const (
	LoginsMetric          = "sessionlog.logins"           // attempts to log in that succeeded or failed
	SessionDurationMetric = "sessionlog.session.duration" // of sessions that ended
	SessionsOpenMetric    = "sessionlog.session.open"     // sessions that last, as far as is known
	OverflowAttribute     = "otel.metric.overflow"        // marks what is beyond the limit
)

// Attributes of the metrics.
const (
	keyErrorType   = string(semconv.ErrorTypeKey)
	keyDBSystem    = string(semconv.DBSystemNameKey)
	keyServiceName = string(semconv.ServiceNameKey)
	keyInstanceID  = string(semconv.ServiceInstanceIDKey)
)

// Interval of time that points are about: what is new is of since Start, what is a total is of since Began.
type Interval struct{ Began, Start, End time.Time }

// BuildMetrics makes the metrics of now, cumulative or what is new since the last [Tally.MarkDelivered]. version signs them.
func (t *Tally) BuildMetrics(span Interval, delta bool, version string) pmetric.Metrics {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := metricsBuilder{md: pmetric.NewMetrics(), version: version, delta: delta, scopes: map[Server]*scopeMetrics{}, span: span}
	for k, c := range t.logins {
		b.addLogins(b.scopeForServer(k.Server), c, func(m pcommon.Map) {
			putDatabase(m, k.System)
			m.PutStr(session.AttrOutcome, k.outcome.String())
			putNonEmptyText(m, session.AttrAuthMethod, k.method)
			putNonEmptyText(m, keyErrorType, k.errorType)
		})
	}
	for k, h := range t.durations {
		b.addDurations(b.scopeForServer(k.Server), h, func(m pcommon.Map) {
			putDatabase(m, k.System)
			putNonEmptyText(m, session.AttrAuthMethod, k.method)
		})
	}
	for p, n := range t.open {
		b.addOpenSessions(b.scopeForServer(p), n, func(m pcommon.Map) { putDatabase(m, p.System) })
	}
	t.addOverflow(&b)
	b.writeResources()
	return b.md
}

func (t *Tally) addOverflow(b *metricsBuilder) {
	mark := func(m pcommon.Map) { m.PutBool(OverflowAttribute, true) }
	if t.overflowLogins.current > 0 {
		b.addLogins(b.scopeForServer(Server{}), &t.overflowLogins, mark) // no name: it is of many servers
	}
	if t.overflowDurations.current.count > 0 {
		b.addDurations(b.scopeForServer(Server{}), &t.overflowDurations, mark)
	}
	if t.hasOverflowOpen {
		b.addOpenSessions(b.scopeForServer(Server{}), t.overflowOpen, mark)
	}
}

// MarkDelivered marks the metrics of the last [Tally.BuildMetrics] as delivered. What was counted since belongs to the next.
func (t *Tally) MarkDelivered() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.overflowLogins.sent, t.overflowDurations.sent = t.overflowLogins.inLastBuild, t.overflowDurations.inLastBuild
	for _, c := range t.logins {
		c.sent = c.inLastBuild
	}
	for _, h := range t.durations {
		h.sent = h.inLastBuild
	}
}

func putNonEmptyText(m pcommon.Map, key, s string) {
	if s != "" {
		m.PutStr(key, s)
	}
}

func putDatabase(m pcommon.Map, system string) {
	if session.IsDatabase(system) {
		m.PutStr(keyDBSystem, system)
	}
}
