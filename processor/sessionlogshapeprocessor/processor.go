package sessionlogshapeprocessor

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/internal/shape"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

const scopeName = "github.com/otel-sessionlog/sessionlog/processor/sessionlogshapeprocessor"

// shapeProcessor is safe for concurrent use.
type shapeProcessor struct {
	config     Config
	workers    sync.Pool // of *worker
	leftOut    metric.Int64Counter
	id         attribute.KeyValue
	conditions *conditionlog.Logger
}

// batchShaper has the memory that one batch needs.
type batchShaper struct {
	decoder *plogs.Decoder
	shaper  *shape.Shaper
	dropped []bool // by the record's place in the batch
}

func newShapeProcessor(set processor.Settings, config *Config) (*shapeProcessor, error) {
	leftOut, err := set.MeterProvider.Meter(scopeName).Int64Counter("otelcol_processor_sessionlog_shape_left_out",
		metric.WithDescription("Events that became no document, because the format or the configuration has none for their kind."), metric.WithUnit("{event}"))
	if err != nil {
		return nil, err
	}
	p := &shapeProcessor{config: *config, leftOut: leftOut, id: attribute.String("processor", set.ID.String()), conditions: conditionlog.New(set.Logger, time.Now)}
	p.workers.New = func() any {
		return &batchShaper{decoder: plogs.NewDecoder(), shaper: shape.New(shape.Format(config.Format), config.shapeOptions(set.BuildInfo.Version))}
	}
	return p, nil
}

func (p *shapeProcessor) processLogs(ctx context.Context, ld plog.Logs) (plog.Logs, error) {
	w := p.workers.Get().(*batchShaper)
	defer p.workers.Put(w)
	records := allRecords(ld)
	w.dropped = append(w.dropped[:0], make([]bool, len(records))...)
	anyDropped := false
	for n, e := range w.decoder.All(ld) {
		if w.shaper.Includes(e) {
			w.shaper.SetBody(records[n].Body(), e)
			continue
		}
		p.countLeftOut(ctx, e.Kind)
		if p.config.LeftOut == LeftOutDrop {
			w.dropped[n], anyDropped = true, true
		}
	}
	if !anyDropped {
		return ld, nil
	}
	removeDropped(ld, w.dropped)
	if ld.LogRecordCount() == 0 {
		return ld, processorhelper.ErrSkipProcessingData
	}
	return ld, nil
}

func allRecords(ld plog.Logs) []plog.LogRecord {
	records := make([]plog.LogRecord, 0, ld.LogRecordCount())
	for _, resource := range ld.ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				records = append(records, record)
			}
		}
	}
	return records
}

func removeDropped(ld plog.Logs, dropped []bool) {
	n := 0
	ld.ResourceLogs().RemoveIf(func(resource plog.ResourceLogs) bool {
		resource.ScopeLogs().RemoveIf(func(scope plog.ScopeLogs) bool {
			scope.LogRecords().RemoveIf(func(plog.LogRecord) bool {
				n++
				return dropped[n-1]
			})
			return scope.LogRecords().Len() == 0
		})
		return resource.ScopeLogs().Len() == 0
	})
}

func (p *shapeProcessor) countLeftOut(ctx context.Context, kind session.Kind) {
	p.leftOut.Add(ctx, 1, metric.WithAttributeSet(attribute.NewSet(p.id, attribute.String("kind", kind.String()))))
	if kind != session.KindLogin || p.config.LeftOut == LeftOutKeep {
		return // that a format has no logouts, or no news of a session, is as it should be
	}
	p.conditions.Raise("login", "logins are dropped, because kinds does not list login: add login to kinds, or write left_out: keep to pass them as they are",
		zap.String("format", p.config.Format), zap.Strings("kinds", p.config.Kinds))
}
