package sessionlogreceiver

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// metricPrefix begins the names of the receiver's own metrics. The collector's receiver_accepted_log_records and
// receiver_refused_log_records, which count every try, come from receiverhelper.
const metricPrefix = "otelcol_receiver_sessionlog_"

// quietFor is how long a message is not said again.
const quietFor = time.Minute

// telemetry is what the receiver tells about itself, and the source.Stats of its source. It is safe for concurrent use.
type telemetry struct {
	events, refusals, buried, bad, excluded, vanished, repeated, pollsFailed metric.Int64Counter
	correlated, ambiguous                                                    metric.Int64Counter
	lag, lost                                                                metric.Float64Gauge
	success                                                                  metric.Int64Gauge

	self metric.MeasurementOption
	log  *zap.Logger
	now  func() time.Time

	mu   sync.Mutex
	said map[string]*saying
}

// saying is a message of the log: when it was last written and how often it was not since.
type saying struct {
	at         time.Time
	suppressed int
}

func newTelemetry(set receiver.Settings) (*telemetry, error) {
	meter := set.MeterProvider.Meter(plogs.ScopeName + "/receiver/sessionlogreceiver")
	t := &telemetry{
		self: metric.WithAttributeSet(attribute.NewSet(attribute.String("receiver", set.ID.String()))),
		log:  set.Logger, now: time.Now, said: map[string]*saying{},
	}
	var errs []error
	for _, c := range []struct {
		counter           *metric.Int64Counter
		name, unit, about string
	}{
		{&t.events, "events", "{event}", "Events that the pipeline has accepted."},
		{&t.refusals, "refused_events", "{event}", "Events that the pipeline has refused for good."},
		{&t.buried, "dead_lettered_events", "{event}", "Refused events that are on the disk in the dead letter."},
		{&t.bad, "bad_rows", "{row}", "Rows of the source that cannot be read."},
		{&t.excluded, "excluded_rows", "{row}", "Rows left out on purpose: the collector's own logins."},
		{&t.vanished, "vanished_rows", "{row}", "Rows that the source no longer has although they are younger than its retention."},
		{&t.pollsFailed, "failed_polls", "{poll}", "Tries to read the source that failed."},
		{&t.repeated, "repeated_events", "{event}", "Events told again on purpose, with the ids that they had."},
		{&t.correlated, "correlated_logins", "{login}", "Logins that the source's own logs tie to a trace."},
		{&t.ambiguous, "ambiguous_logins", "{login}", "Logins left without a trace because another session could have sent the queries."},
	} {
		counter, err := meter.Int64Counter(metricPrefix+c.name, metric.WithUnit(c.unit), metric.WithDescription(c.about))
		*c.counter = counter
		errs = append(errs, err)
	}
	var err error
	t.lag, err = meter.Float64Gauge(metricPrefix+"lag", metric.WithUnit("s"),
		metric.WithDescription("How far what was delivered is behind the source's clock, when it was last read."))
	errs = append(errs, err)
	t.lost, err = meter.Float64Gauge(metricPrefix+"lost_history", metric.WithUnit("s"),
		metric.WithDescription("How much of the source's history it threw away before it could be read, when that was last found."))
	errs = append(errs, err)
	t.success, err = meter.Int64Gauge(metricPrefix+"last_success", metric.WithUnit("s"),
		metric.WithDescription("When the source was last read and delivered completely, in seconds since 1970; 0 before the first time."))
	return t, errors.Join(append(errs, err)...)
}

// emitted counts events that the pipeline has accepted.
func (t *telemetry) emitted(ctx context.Context, n int) { t.events.Add(ctx, int64(n), t.self) }

// refused counts events that the pipeline has refused for good.
func (t *telemetry) refused(ctx context.Context, n int) { t.refusals.Add(ctx, int64(n), t.self) }

// deadLettered counts events that are safe in the dead letter.
func (t *telemetry) deadLettered(ctx context.Context, n int, reason error) {
	t.buried.Add(ctx, int64(n), t.self)
	t.say("the pipeline has refused events for good: they are in the dead letter", zap.Int("events", n), zap.Error(reason))
}

// BadRows is part of source.Stats.
func (t *telemetry) BadRows(n int, place string, reason error) {
	t.bad.Add(context.Background(), int64(n), t.self)
	t.say("rows cannot be read", zap.Int("rows", n), zap.String("place", place), zap.NamedError("reason", reason))
}

// Excluded is part of source.Stats.
func (t *telemetry) Excluded(n int) { t.excluded.Add(context.Background(), int64(n), t.self) }

// Vanished is part of source.Stats.
func (t *telemetry) Vanished(n int) {
	t.vanished.Add(context.Background(), int64(n), t.self)
	t.say("rows have vanished from the source although they are younger than its retention", zap.Int("rows", n))
}

// PollFailed is part of source.Stats.
func (t *telemetry) PollFailed() { t.pollsFailed.Add(context.Background(), 1, t.self) }

// Repeated is part of source.Stats.
func (t *telemetry) Repeated(n int) { t.repeated.Add(context.Background(), int64(n), t.self) }

// Correlated is what a source counts that ties logins to traces.
func (t *telemetry) Correlated(matched, ambiguous int) {
	t.correlated.Add(context.Background(), int64(matched), t.self)
	t.ambiguous.Add(context.Background(), int64(ambiguous), t.self)
}

// Read is part of source.Stats.
func (t *telemetry) Read(_ time.Time, lag time.Duration) {
	t.lag.Record(context.Background(), lag.Seconds(), t.self)
	t.success.Record(context.Background(), t.now().Unix(), t.self)
}

// neverRead makes last_success exist before anything was read: what is not there cannot be alerted on.
func (t *telemetry) neverRead() { t.success.Record(context.Background(), 0, t.self) }

// Lost is poll.LostStats: rows of this time were thrown away before they could be read. The source has logged it.
func (t *telemetry) Lost(from, to time.Time) {
	t.lost.Record(context.Background(), to.Sub(from).Seconds(), t.self)
}

// say warns at most once a minute with the same message, and tells how often it kept silent.
func (t *telemetry) say(message string, fields ...zap.Field) {
	t.mu.Lock()
	s, known := t.said[message]
	if !known {
		s = &saying{}
		t.said[message] = s
	}
	now := t.now()
	if known && now.Sub(s.at) < quietFor {
		s.suppressed++
		t.mu.Unlock()
		return
	}
	suppressed := s.suppressed
	s.at, s.suppressed = now, 0
	t.mu.Unlock()
	t.log.Warn(message, append(fields, zap.Int("not_logged_before", suppressed))...)
}
