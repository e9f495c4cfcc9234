package sessionlogexporter

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

type sealTelemetry struct {
	sealed, alarms    metric.Int64Counter
	cosigned, alone   metric.Int64Counter
	pending, last     metric.Int64Gauge
	exporterAttribute metric.MeasurementOption
}

func newSealTelemetry(set exporter.Settings) (*sealTelemetry, error) {
	meter := set.MeterProvider.Meter(meterScope)
	t := &sealTelemetry{exporterAttribute: metric.WithAttributeSet(attribute.NewSet(attribute.String("exporter", set.ID.String())))}
	var errs [6]error
	t.sealed, errs[0] = meter.Int64Counter(metricPrefix+"sealed", metric.WithDescription("Records that were sealed."), metric.WithUnit("{record}"))
	t.alarms, errs[1] = meter.Int64Counter(metricPrefix+"seal_alarms", metric.WithDescription("Times that the log of seals in the backend was not what it should be: may be tampering."), metric.WithUnit("{alarm}"))
	t.pending, errs[2] = meter.Int64Gauge(metricPrefix+"seal_pending", metric.WithDescription("Records that are stored and wait for their seal."), metric.WithUnit("{record}"))
	t.last, errs[3] = meter.Int64Gauge(metricPrefix+"seal_last", metric.WithDescription("When the last seal was stored, in seconds since 1970 UTC."), metric.WithUnit("s"))
	t.cosigned, errs[4] = meter.Int64Counter(metricPrefix+"seal_cosigned", metric.WithDescription("Heads that a witness has cosigned."), metric.WithUnit("{head}"))
	t.alone, errs[5] = meter.Int64Counter(metricPrefix+"seal_not_cosigned", metric.WithDescription("Heads that a witness was asked to cosign, and did not."), metric.WithUnit("{head}"))
	return t, errors.Join(errs[:]...)
}

func (t *sealTelemetry) CountSealed(ctx context.Context, records, pending uint64) {
	t.sealed.Add(ctx, int64(records), t.exporterAttribute)     //nolint:gosec // records in memory
	t.pending.Record(ctx, int64(pending), t.exporterAttribute) //nolint:gosec // records in memory
	t.last.Record(ctx, time.Now().Unix(), t.exporterAttribute)
}

func (t *sealTelemetry) CountAlarm(ctx context.Context) { t.alarms.Add(ctx, 1, t.exporterAttribute) }

func (t *sealTelemetry) CountCosigned(ctx context.Context, isCosigned bool) {
	if isCosigned {
		t.cosigned.Add(ctx, 1, t.exporterAttribute)
		return
	}
	t.alone.Add(ctx, 1, t.exporterAttribute)
}
