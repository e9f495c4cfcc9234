package sessionlogexporter

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/workfigures"
)

const meterScope = "github.com/otel-sessionlog/sessionlog/exporter/sessionlogexporter"

const metricPrefix = "otelcol_exporter_sessionlog_"

// exporterTelemetry counts what becomes of records. Retries count again: what an attempt has written and a later one finds there
// counts as a duplicate then.
type exporterTelemetry struct {
	written, duplicates, conflicts, expired, leftOut                     metric.Int64Counter
	rejected, deadLetteredRecords, notEventRecords, unknownOutcomeLogins metric.Int64Counter
	duration                                                             metric.Float64Histogram
	lastSuccess                                                          metric.Int64Gauge
	exporterAttribute, successAttributes, failureAttributes              metric.MeasurementOption
	figures                                                              workfigures.Recorder
}

func newTelemetry(set exporter.Settings, scope string) (*exporterTelemetry, error) {
	meter := set.MeterProvider.Meter(scope)
	var errs []error
	counter := func(name, what string) metric.Int64Counter {
		c, err := meter.Int64Counter(metricPrefix+name, metric.WithDescription(what), metric.WithUnit("{record}"))
		errs = append(errs, err)
		return c
	}
	id := attribute.String("exporter", set.ID.String())
	t := &exporterTelemetry{
		written:              counter("written", "Records that are new in the backend."),
		duplicates:           counter("duplicates", "Records that were in the backend already."),
		conflicts:            counter("conflicts", "Records whose id was in the backend with other content, kept aside: may be forgery."),
		expired:              counter("expired", "Records older than the backend keeps, left out."),
		leftOut:              counter("left_out", "Records of a kind for which the target's shape has no place, left out."),
		rejected:             counter("rejected", "Records that the backend can never take."),
		deadLetteredRecords:  counter("dead_lettered", "Records written into the dead letter."),
		notEventRecords:      counter("not_events", "Log records that are no authentication events."),
		unknownOutcomeLogins: counter("unknown_outcomes", "Logins whose outcome is not known: in session_events, and in no view of logins."),
		exporterAttribute:    metric.WithAttributeSet(attribute.NewSet(id)),
		successAttributes:    metric.WithAttributeSet(attribute.NewSet(id, attribute.String("outcome", "success"))),
		failureAttributes:    metric.WithAttributeSet(attribute.NewSet(id, attribute.String("outcome", "failure"))),
	}
	var err error
	t.duration, err = meter.Float64Histogram(metricPrefix+"write_duration", metric.WithUnit("s"),
		metric.WithDescription("How long the backend took for a batch, from its first record to durable."),
		metric.WithExplicitBucketBoundaries(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30))
	errs = append(errs, err)
	t.lastSuccess, err = meter.Int64Gauge(metricPrefix+"last_success", metric.WithUnit("s"),
		metric.WithDescription("When the last batch became durable, in seconds since 1970 UTC."))
	return t, errors.Join(append(errs, err)...)
}

func (t *exporterTelemetry) recordWrite(ctx context.Context, r backend.Result, took time.Duration, err error) {
	if err != nil {
		t.duration.Record(ctx, took.Seconds(), t.failureAttributes)
	} else {
		t.duration.Record(ctx, took.Seconds(), t.successAttributes)
		t.lastSuccess.Record(ctx, time.Now().Unix(), t.exporterAttribute)
		t.figures.RecordSuccess(time.Now(), 0)
	}
	t.written.Add(ctx, int64(r.Written), t.exporterAttribute)
	t.duplicates.Add(ctx, int64(r.Duplicates), t.exporterAttribute)
	t.conflicts.Add(ctx, int64(r.Conflicts), t.exporterAttribute)
	t.expired.Add(ctx, int64(r.Expired), t.exporterAttribute)
	t.leftOut.Add(ctx, int64(r.LeftOut), t.exporterAttribute)
	t.rejected.Add(ctx, int64(len(r.Rejected)), t.exporterAttribute)
}

func (t *exporterTelemetry) countDeadLettered(ctx context.Context, n int) {
	t.deadLetteredRecords.Add(ctx, int64(n), t.exporterAttribute)
	t.figures.CountDeadLettered(n)
}

func (t *exporterTelemetry) countNotEvents(ctx context.Context, n int) {
	t.notEventRecords.Add(ctx, int64(n), t.exporterAttribute)
}

func (t *exporterTelemetry) countUnknownOutcomes(ctx context.Context, n int) {
	t.unknownOutcomeLogins.Add(ctx, int64(n), t.exporterAttribute)
}
