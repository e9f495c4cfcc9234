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
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// The contract of contrib's package extension/encoding for logs is an extension that is also a plog.Unmarshaler. Receivers
// ask for it by these methods, so it takes no import of that package.
var (
	_ extension.Extension = (*logEncoding)(nil)
	_ plog.Unmarshaler    = (*logEncoding)(nil)
)

// logEncoding is safe for concurrent use.
type logEncoding struct {
	component.StartFunc
	component.ShutdownFunc
	cfg        Config
	options    logformat.Options
	version    string
	badRecords badRecordReporter
	decoders   sync.Pool
}

// decoderState is pooled.
type decoderState struct {
	batch   logformat.EventBatch
	encoder *plogs.Encoder
}

const instrumentationScope = "github.com/otel-sessionlog/sessionlog/extension/sessionlogencoding"

func newEncoding(cfg *Config, set extension.Settings) (*logEncoding, error) {
	zone, err := cfg.loadTimezone()
	if err != nil {
		return nil, err
	}
	counter, err := set.MeterProvider.Meter(instrumentationScope).Int64Counter("otelcol_sessionlog_encoding_bad_records", metric.WithUnit("{record}"),
		metric.WithDescription("Records that could not be decoded; the others of their buffers were"))
	if err != nil {
		return nil, err
	}
	e := &logEncoding{
		cfg:        *cfg,
		options:    logformat.Options{Instance: cfg.Instance, Zone: zone, LinePrefix: cfg.LogLinePrefix},
		version:    set.BuildInfo.Version,
		badRecords: badRecordReporter{occurrences: conditionlog.NewOccurrences(set.Logger, time.Now), count: counter, attributes: metric.WithAttributes(attribute.String("extension", set.ID.String()))},
	}
	e.decoders.New = func() any { return &decoderState{encoder: plogs.NewEncoder(e.version)} }
	return e, nil
}

// badRecordReporter says place and reason, and never a value.
type badRecordReporter struct {
	occurrences *conditionlog.Occurrences
	count       metric.Int64Counter
	attributes  metric.MeasurementOption
}

func (b *badRecordReporter) reportRecords(n int, first int64, reason error) {
	if n == 0 {
		return
	}
	b.count.Add(context.Background(), int64(n), b.attributes)
	b.occurrences.Count("records cannot be decoded; the others of their buffers were", "records", n, zap.Int64("offset_in_buffer", first), zap.Error(reason))
}
