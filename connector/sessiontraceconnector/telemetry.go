package sessiontraceconnector

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otel-sessionlog/sessionlog/connector/sessiontraceconnector/internal/correlation"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

const metricPrefix = "otelcol_connector_sessiontrace_"

func registerMetrics(h *sharedState) (unhook func() error, err error) {
	// Observed when metrics are collected: spans pay nothing.
	meter := h.set.MeterProvider.Meter(plogs.ScopeName + "/connector/sessiontraceconnector")
	var errs []error
	var all []metric.Observable
	counter := func(name, unit, about string) metric.Int64Observable {
		c, err := meter.Int64ObservableCounter(metricPrefix+name, metric.WithUnit(unit), metric.WithDescription(about))
		errs, all = append(errs, err), append(all, c)
		return c
	}
	gauge := func(name, unit, about string) metric.Int64Observable {
		g, err := meter.Int64ObservableGauge(metricPrefix+name, metric.WithUnit(unit), metric.WithDescription(about))
		errs, all = append(errs, err), append(all, g)
		return g
	}
	spans := counter("spans_enriched", "{span}", "Spans that were given their login.")
	records := counter("records_enriched", "{record}", "Login records that were given their trace as they passed.")
	updates := counter("updates", "{record}", "Records that add a trace found later.")
	ambiguous := counter("ambiguous", "{match}", "Evidence that pointed at several logins or traces, and so at none.")
	dropped := counter("dropped_updates", "{record}", "Updates that were lost: refused, or forgotten before their delivery.")
	evictedSessions := counter("evicted_sessions", "{session}", "Logins forgotten early for want of room (max_sessions, max_bytes).")
	evictedSpans := counter("evicted_spans", "{span}", "Spans forgotten early for want of room (max_bytes).")
	sessions := gauge("sessions", "{session}", "Logins remembered now.")
	bytes := gauge("memory", "By", "Memory of logins and spans.")
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}

	self := attribute.String("connector", h.set.ID.String())
	one := metric.WithAttributeSet(attribute.NewSet(self))
	var by []metric.ObserveOption
	for _, e := range correlation.AllEvidence() {
		by = append(by, metric.WithAttributeSet(attribute.NewSet(self, attribute.String("evidence", e.String()))))
	}
	r, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		b := h.lockStore()
		s := b.Stats()
		b.End()
		for i := range by {
			o.ObserveInt64(spans, s.Spans[i], by[i])
			o.ObserveInt64(records, s.Records[i], by[i])
			o.ObserveInt64(updates, s.Updates[i], by[i])
			o.ObserveInt64(ambiguous, s.Ambiguous[i], by[i])
		}
		o.ObserveInt64(dropped, s.DroppedUpdates, one)
		o.ObserveInt64(evictedSessions, s.EvictedSessions, one)
		o.ObserveInt64(evictedSpans, s.EvictedSpans, one)
		o.ObserveInt64(sessions, s.Sessions, one)
		o.ObserveInt64(bytes, s.Bytes, one)
		return nil
	}, all...)
	if err != nil {
		return nil, err
	}
	return r.Unregister, nil
}
