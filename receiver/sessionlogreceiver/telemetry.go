package sessionlogreceiver

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/internal/workfigures"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// metricPrefix begins the names of the receiver's own metrics. The collector's receiver_accepted_log_records and
// receiver_refused_log_records, which count every try, come from receiverhelper.
const metricPrefix = "otelcol_receiver_sessionlog_"

// receiverTelemetry implements [source.Stats]. It is safe for concurrent use.
type receiverTelemetry struct {
	acceptedEvents, refusedEvents, deadLetteredEvents, badRows, excludedRows, vanishedRows, repeatedEvents, failedPolls metric.Int64Counter
	correlatedLogins, ambiguousLogins                                                                                   metric.Int64Counter
	deliveryLag, lostHistory, backlogRate, backlogTime                                                                  metric.Float64Gauge
	lastSuccess, backlogRows                                                                                            metric.Int64Gauge

	receiverAttribute metric.MeasurementOption
	now               func() time.Time
	occurrences       *conditionlog.Occurrences
	figures           workfigures.Recorder
}

func newReceiverTelemetry(set receiver.Settings) (*receiverTelemetry, error) {
	meter := set.MeterProvider.Meter(plogs.ScopeName + "/receiver/sessionlogreceiver")
	t := &receiverTelemetry{
		receiverAttribute: metric.WithAttributeSet(attribute.NewSet(attribute.String("receiver", set.ID.String()))),
		now:               time.Now, occurrences: conditionlog.NewOccurrences(set.Logger, time.Now),
	}
	var errs []error
	for _, c := range []struct {
		counter           *metric.Int64Counter
		name, unit, about string
	}{
		{&t.acceptedEvents, "events", "{event}", "Events that the pipeline has accepted."},
		{&t.refusedEvents, "refused_events", "{event}", "Events that the pipeline has refused for good."},
		{&t.deadLetteredEvents, "dead_lettered_events", "{event}", "Refused events that are on the disk in the dead letter."},
		{&t.badRows, "bad_rows", "{row}", "Rows of the source that cannot be read."},
		{&t.excludedRows, "excluded_rows", "{row}", "Rows left out on purpose: the collector's own logins."},
		{&t.vanishedRows, "vanished_rows", "{row}", "Rows that the source no longer has although they are younger than its retention."},
		{&t.failedPolls, "failed_polls", "{poll}", "Tries to read the source that failed."},
		{&t.repeatedEvents, "repeated_events", "{event}", "Events delivered again on purpose, with the ids that they had."},
		{&t.correlatedLogins, "correlated_logins", "{login}", "Logins that the source's own logs tie to a trace."},
		{&t.ambiguousLogins, "ambiguous_logins", "{login}", "Logins left without a trace because another session could have sent the queries."},
	} {
		counter, err := meter.Int64Counter(metricPrefix+c.name, metric.WithUnit(c.unit), metric.WithDescription(c.about))
		*c.counter = counter
		errs = append(errs, err)
	}
	for _, g := range []struct {
		gauge             *metric.Float64Gauge
		name, unit, about string
	}{
		{&t.deliveryLag, "lag", "s", "How far what was delivered is behind the source's clock, when it was last read."},
		{&t.lostHistory, "lost_history", "s", "How much of the source's history it threw away before it could be read, when that was last found."},
		{&t.backlogRate, "backlog_rate", "{row}/s", "How many rows a second were read since the backlog began; 0 without one."},
		{&t.backlogTime, "backlog_time_to_go", "s", "How long the rows of the backlog will take at that rate; 0 without one."},
	} {
		gauge, err := meter.Float64Gauge(metricPrefix+g.name, metric.WithUnit(g.unit), metric.WithDescription(g.about))
		*g.gauge = gauge
		errs = append(errs, err)
	}
	for _, g := range []struct {
		gauge             *metric.Int64Gauge
		name, unit, about string
	}{
		{&t.lastSuccess, "last_success", "s", "When the source was last read and delivered completely, in seconds since 1970; 0 before the first time."},
		{&t.backlogRows, "backlog_rows", "{row}", "Rows of the source that are known and not read yet, where they are more than one query reads."},
	} {
		gauge, err := meter.Int64Gauge(metricPrefix+g.name, metric.WithUnit(g.unit), metric.WithDescription(g.about))
		*g.gauge = gauge
		errs = append(errs, err)
	}
	return t, errors.Join(errs...)
}

func (t *receiverTelemetry) countAccepted(ctx context.Context, n int) {
	t.acceptedEvents.Add(ctx, int64(n), t.receiverAttribute)
}

func (t *receiverTelemetry) countDeadLettered(ctx context.Context, n int, reason error) {
	t.deadLetteredEvents.Add(ctx, int64(n), t.receiverAttribute)
	t.figures.CountDeadLettered(n)
	t.occurrences.Count("the pipeline has refused events for good: they are in the dead letter", "events", n, zap.Error(reason))
}

func (t *receiverTelemetry) BadRows(n int, place string, reason error) {
	t.badRows.Add(context.Background(), int64(n), t.receiverAttribute)
	t.occurrences.Count("rows cannot be read", "rows", n, zap.String("place", place), zap.NamedError("reason", reason))
}

func (t *receiverTelemetry) Excluded(n int) {
	t.excludedRows.Add(context.Background(), int64(n), t.receiverAttribute)
}

func (t *receiverTelemetry) Vanished(n int) {
	t.vanishedRows.Add(context.Background(), int64(n), t.receiverAttribute)
	t.occurrences.Count("rows have vanished from the source although they are younger than its retention", "rows", n)
}

func (t *receiverTelemetry) PollFailed() {
	t.failedPolls.Add(context.Background(), 1, t.receiverAttribute)
}

func (t *receiverTelemetry) Repeated(n int) {
	t.repeatedEvents.Add(context.Background(), int64(n), t.receiverAttribute)
}

// Correlated is called by a source that ties logins to traces.
func (t *receiverTelemetry) Correlated(matched, ambiguous int) {
	t.correlatedLogins.Add(context.Background(), int64(matched), t.receiverAttribute)
	t.ambiguousLogins.Add(context.Background(), int64(ambiguous), t.receiverAttribute)
}

func (t *receiverTelemetry) Read(_ time.Time, lag time.Duration) {
	t.deliveryLag.Record(context.Background(), lag.Seconds(), t.receiverAttribute)
	t.lastSuccess.Record(context.Background(), t.now().Unix(), t.receiverAttribute)
	t.figures.RecordSuccess(t.now(), lag)
}

func (t *receiverTelemetry) recordNeverRead() {
	t.lastSuccess.Record(context.Background(), 0, t.receiverAttribute) // an alert needs the series, also before anything was read
}

func (t *receiverTelemetry) Lost(from, to time.Time) {
	t.lostHistory.Record(context.Background(), to.Sub(from).Seconds(), t.receiverAttribute)
}

func (t *receiverTelemetry) Backlog(rows int, rate float64, toGo time.Duration) {
	t.backlogRows.Record(context.Background(), int64(rows), t.receiverAttribute)
	t.backlogRate.Record(context.Background(), rate, t.receiverAttribute)
	t.backlogTime.Record(context.Background(), toGo.Seconds(), t.receiverAttribute)
}
