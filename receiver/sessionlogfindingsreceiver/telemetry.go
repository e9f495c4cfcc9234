package sessionlogfindingsreceiver

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

const metricPrefix = "otelcol_receiver_sessionlog_findings_"

type receiverTelemetry struct {
	delivered, refused, incomplete, failed metric.Int64Counter
	lastSuccess                            metric.Int64Gauge
	receiverID                             attribute.KeyValue
}

func newReceiverTelemetry(set receiver.Settings) (*receiverTelemetry, error) {
	meter := set.MeterProvider.Meter(scopeName)
	t := &receiverTelemetry{receiverID: attribute.String("receiver", set.ID.String())}
	var errs []error
	for _, c := range []struct {
		counter           *metric.Int64Counter
		name, unit, about string
	}{
		{&t.delivered, "delivered", "{finding}", "Findings that the pipeline has accepted."},
		{&t.refused, "refused", "{finding}", "Findings that the pipeline has refused for good."},
		{&t.incomplete, "incomplete_answers", "{answer}", "Answers for which answer_time was too short; their questions were asked again with more time."},
		{&t.failed, "failed_runs", "{run}", "Runs that ended early since the backend did not answer, or the pipeline did not take findings."},
	} {
		counter, err := meter.Int64Counter(metricPrefix+c.name, metric.WithUnit(c.unit), metric.WithDescription(c.about))
		*c.counter = counter
		errs = append(errs, err)
	}
	gauge, err := meter.Int64Gauge(metricPrefix+"last_success", metric.WithUnit("s"),
		metric.WithDescription("When all questions were last asked and their findings delivered, in seconds since 1970."))
	t.lastSuccess = gauge
	return t, errors.Join(append(errs, err)...)
}

// countFor adds to a counter of the receiver, for a question unless that is "".
func (t *receiverTelemetry) countFor(ctx context.Context, counter metric.Int64Counter, n int, question string) {
	attributes := []attribute.KeyValue{t.receiverID}
	if question != "" {
		attributes = append(attributes, attribute.String("question", question))
	}
	counter.Add(ctx, int64(n), metric.WithAttributes(attributes...))
}
