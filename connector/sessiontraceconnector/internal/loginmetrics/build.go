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

// BuildMetrics makes the metrics of all that was counted since the start. version signs them.
func (t *Tally) BuildMetrics(start, now time.Time, version string) pmetric.Metrics {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := metricsBuilder{md: pmetric.NewMetrics(), version: version, start: start, now: now, scopes: map[Server]*scopeMetrics{}}
	for k, c := range t.logins {
		b.addLogins(b.scopeForServer(k.Server), *c, func(m pcommon.Map) {
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
	if t.overflowLogins > 0 {
		b.addLogins(b.scopeForServer(Server{}), t.overflowLogins, mark) // no name: it is of many servers
	}
	if t.overflowDurations.count > 0 {
		b.addDurations(b.scopeForServer(Server{}), &t.overflowDurations, mark)
	}
	if t.hasOverflowOpen {
		b.addOpenSessions(b.scopeForServer(Server{}), t.overflowOpen, mark)
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
