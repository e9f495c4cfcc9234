package sessionlogencoding

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/internal/shape"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// Exporters ask for a plog.Marshaler by its method, as receivers do for a plog.Unmarshaler. An extension without `shape` is none, so that an
// exporter refuses it at start.
var (
	_ plog.Marshaler      = (*logMarshaler)(nil)
	_ plog.Marshaler      = (*bothWays)(nil)
	_ plog.Unmarshaler    = (*bothWays)(nil)
	_ extension.Extension = (*bothWays)(nil)
)

// logMarshaler is safe for concurrent use.
type logMarshaler struct {
	component.StartFunc
	component.ShutdownFunc
	config     Config
	workers    sync.Pool // of *marshalWorker
	leftOut    metric.Int64Counter
	id         attribute.KeyValue
	conditions *conditionlog.Logger
}

type bothWays struct {
	*logEncoding
	*logMarshaler
}

func (*bothWays) Start(context.Context, component.Host) error { return nil }

func (*bothWays) Shutdown(context.Context) error { return nil }

type marshalWorker struct {
	decoder *plogs.Decoder
	shaper  *shape.Shaper
}

func newMarshaler(cfg *Config, set extension.Settings) (*logMarshaler, error) {
	leftOut, err := set.MeterProvider.Meter(instrumentationScope).Int64Counter("otelcol_sessionlog_encoding_left_out_records", metric.WithUnit("{record}"),
		metric.WithDescription("Records that were not encoded: events of a kind that the shape does not have, and records that are no events"))
	if err != nil {
		return nil, err
	}
	m := &logMarshaler{config: *cfg, leftOut: leftOut, id: attribute.String("extension", set.ID.String()), conditions: conditionlog.New(set.Logger, time.Now)}
	m.workers.New = func() any {
		return &marshalWorker{decoder: plogs.NewDecoder(), shaper: shape.New(shape.Format(cfg.Shape), cfg.shapeOptions(set.BuildInfo.Version))}
	}
	return m, nil
}

// MarshalLogs makes one line of each event, each with its end. What is no event has no document and is left out.
func (m *logMarshaler) MarshalLogs(ld plog.Logs) ([]byte, error) {
	w := m.workers.Get().(*marshalWorker)
	defer m.workers.Put(w)
	lines, written := []byte{}, 0
	for _, e := range w.decoder.All(ld) {
		if !w.shaper.Includes(e) {
			m.warnOfLogin(e.Kind)
			continue
		}
		lines = append(w.shaper.Append(lines, e), '\n')
		written++
	}
	if left := ld.LogRecordCount() - written; left > 0 {
		m.leftOut.Add(context.Background(), int64(left), metric.WithAttributeSet(attribute.NewSet(m.id)))
	}
	return lines, nil
}

func (m *logMarshaler) warnOfLogin(kind session.Kind) {
	if kind == session.KindLogin {
		m.conditions.Raise("login", "logins are not encoded, because kinds does not list login: add login to kinds", zap.String("shape", m.config.Shape), zap.Strings("kinds", m.config.Kinds))
	}
}
