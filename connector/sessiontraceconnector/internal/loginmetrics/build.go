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
	Logins          = "sessionlog.logins"           // attempts to log in that reached a verdict
	SessionDuration = "sessionlog.session.duration" // of sessions that ended
	SessionsOpen    = "sessionlog.session.open"     // sessions that last, as far as is known
	Overflow        = "otel.metric.overflow"        // marks what is beyond the limit
)

// Attributes of the metrics.
const (
	keyErrorType   = string(semconv.ErrorTypeKey)
	keyDBSystem    = string(semconv.DBSystemNameKey)
	keyServiceName = string(semconv.ServiceNameKey)
	keyInstanceID  = string(semconv.ServiceInstanceIDKey)
)

// Span of time that points are about: what is new is of since Start, what is a total is of since Began.
type Span struct{ Began, Start, End time.Time }

// Build makes the metrics of now, cumulative or what is new since the last [Tally.Delivered]. version signs them.
func (t *Tally) Build(span Span, delta bool, version string) pmetric.Metrics {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := builder{md: pmetric.NewMetrics(), version: version, delta: delta, scopes: map[Place]*scope{}, span: span}
	for k, c := range t.logins {
		b.login(b.scope(k.Place), c, func(m pcommon.Map) {
			database(m, k.System)
			m.PutStr(session.AttrOutcome, k.outcome.String())
			text(m, session.AttrAuthMethod, k.method)
			text(m, keyErrorType, k.errorType)
		})
	}
	for k, h := range t.durations {
		b.duration(b.scope(k.Place), h, func(m pcommon.Map) {
			database(m, k.System)
			text(m, session.AttrAuthMethod, k.method)
		})
	}
	for p, n := range t.open {
		b.open(b.scope(p), n, func(m pcommon.Map) { database(m, p.System) })
	}
	t.overflow(&b)
	b.place()
	return b.md
}

// overflow adds what is beyond the limits, under a resource without a name: it is about many.
func (t *Tally) overflow(b *builder) {
	mark := func(m pcommon.Map) { m.PutBool(Overflow, true) }
	if t.moreLogins.total > 0 {
		b.login(b.scope(Place{}), &t.moreLogins, mark)
	}
	if t.moreDurations.total.count > 0 {
		b.duration(b.scope(Place{}), &t.moreDurations, mark)
	}
	if t.overOpen {
		b.open(b.scope(Place{}), t.moreOpen, mark)
	}
}

// Delivered says that the metrics of the last [Tally.Build] have arrived. What came in since belongs to the next.
func (t *Tally) Delivered() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.moreLogins.sent, t.moreDurations.sent = t.moreLogins.told, t.moreDurations.told
	for _, c := range t.logins {
		c.sent = c.told
	}
	for _, h := range t.durations {
		h.sent = h.told
	}
}

func text(m pcommon.Map, key, s string) {
	if s != "" {
		m.PutStr(key, s)
	}
}

func database(m pcommon.Map, system string) {
	if session.IsDatabase(system) {
		m.PutStr(keyDBSystem, system)
	}
}
