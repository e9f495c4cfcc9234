package sessionlogexporter

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

// scope names the meter.
const scope = "github.com/otel-sessionlog/sessionlog/exporter/sessionlogexporter"

// prefix begins every metric of ours.
const prefix = "otelcol_exporter_sessionlog_"

// telemetry counts what becomes of records. Retries count again: what an attempt has written and a later one finds there
// counts as a duplicate then.
type telemetry struct {
	written, duplicates, conflicts, expired metric.Int64Counter
	rejected, buried, others, unknown       metric.Int64Counter
	duration                                metric.Float64Histogram
	success                                 metric.Int64Gauge
	exporter, ok, failed                    metric.MeasurementOption
}

func newTelemetry(set exporter.Settings) (*telemetry, error) {
	meter := set.MeterProvider.Meter(scope)
	var errs []error
	counter := func(name, what string) metric.Int64Counter {
		c, err := meter.Int64Counter(prefix+name, metric.WithDescription(what), metric.WithUnit("{record}"))
		errs = append(errs, err)
		return c
	}
	id := attribute.String("exporter", set.ID.String())
	t := &telemetry{
		written:    counter("written", "Records that are new in the backend."),
		duplicates: counter("duplicates", "Records that were in the backend already."),
		conflicts:  counter("conflicts", "Records whose id was in the backend with other content, kept aside: may be forgery."),
		expired:    counter("expired", "Records older than the backend keeps, left out."),
		rejected:   counter("rejected", "Records that the backend can never take."),
		buried:     counter("dead_lettered", "Records written into the dead letter."),
		others:     counter("not_events", "Log records that are no authentication events."),
		unknown:    counter("unknown_outcomes", "Logins whose outcome nothing tells: in session_events, and in no view of logins."),
		exporter:   metric.WithAttributeSet(attribute.NewSet(id)),
		ok:         metric.WithAttributeSet(attribute.NewSet(id, attribute.String("outcome", "success"))),
		failed:     metric.WithAttributeSet(attribute.NewSet(id, attribute.String("outcome", "failure"))),
	}
	var err error
	t.duration, err = meter.Float64Histogram(prefix+"write_duration", metric.WithUnit("s"),
		metric.WithDescription("How long the backend took for a batch, from its first record to durable."),
		metric.WithExplicitBucketBoundaries(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30))
	errs = append(errs, err)
	t.success, err = meter.Int64Gauge(prefix+"last_success", metric.WithUnit("s"),
		metric.WithDescription("When the last batch became durable, in seconds since 1970 UTC."))
	return t, errors.Join(append(errs, err)...)
}

// wrote counts an attempt to write a batch.
func (t *telemetry) wrote(ctx context.Context, r backend.Result, took time.Duration, err error) {
	if err != nil {
		t.duration.Record(ctx, took.Seconds(), t.failed)
		return
	}
	t.duration.Record(ctx, took.Seconds(), t.ok)
	t.success.Record(ctx, time.Now().Unix(), t.exporter)
	t.written.Add(ctx, int64(r.Written), t.exporter)
	t.duplicates.Add(ctx, int64(r.Duplicates), t.exporter)
	t.conflicts.Add(ctx, int64(r.Conflicts), t.exporter)
	t.expired.Add(ctx, int64(r.Expired), t.exporter)
	t.rejected.Add(ctx, int64(len(r.Rejected)), t.exporter)
}

func (t *telemetry) deadLettered(ctx context.Context, n int) { t.buried.Add(ctx, int64(n), t.exporter) }

func (t *telemetry) notEvents(ctx context.Context, n int) { t.others.Add(ctx, int64(n), t.exporter) }

func (t *telemetry) unknownOutcomes(ctx context.Context, n int) {
	t.unknown.Add(ctx, int64(n), t.exporter)
}
