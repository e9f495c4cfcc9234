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

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// The contract of contrib's package extension/encoding for logs is an extension that is also a plog.Unmarshaler. Receivers
// ask for it by these methods, so it takes no import of that package.
var (
	_ extension.Extension = (*encoding)(nil)
	_ plog.Unmarshaler    = (*encoding)(nil)
)

// encoding decodes buffers, each by itself. It is safe for concurrent use.
type encoding struct {
	component.StartFunc
	component.ShutdownFunc
	cfg     Config
	options logformat.Options
	version string
	bad     badRecords
	scratch sync.Pool
}

// decoder is what one call works with and the next one uses again.
type decoder struct {
	batch   logformat.EventBatch
	encoder *plogs.Encoder
}

// scopeName names our instruments.
const scopeName = "github.com/otel-sessionlog/sessionlog/extension/sessionlogencoding"

func newEncoding(cfg *Config, set extension.Settings) (*encoding, error) {
	zone, err := cfg.zone()
	if err != nil {
		return nil, err
	}
	counter, err := set.MeterProvider.Meter(scopeName).Int64Counter("otelcol_sessionlog_encoding_bad_records", metric.WithUnit("{record}"),
		metric.WithDescription("Records that could not be decoded; their neighbours were"))
	if err != nil {
		return nil, err
	}
	e := &encoding{
		cfg:     *cfg,
		options: logformat.Options{Instance: cfg.Instance, Zone: zone, LinePrefix: cfg.LogLinePrefix},
		version: set.BuildInfo.Version,
		bad:     badRecords{log: set.Logger, count: counter, who: metric.WithAttributes(attribute.String("extension", set.ID.String()))},
	}
	e.scratch.New = func() any { return &decoder{encoder: plogs.NewEncoder(e.version)} }
	return e, nil
}

// badRecords counts what cannot be decoded and says so at most once a minute, with place and reason and never a value.
type badRecords struct {
	log   *zap.Logger
	count metric.Int64Counter
	who   metric.MeasurementOption

	mu     sync.Mutex
	silent time.Time
	unsaid int
}

func (b *badRecords) add(n int, first int64, reason error) {
	if n == 0 {
		return
	}
	b.count.Add(context.Background(), int64(n), b.who)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unsaid += n
	if now := time.Now(); now.After(b.silent) {
		b.log.Warn("records cannot be decoded, their neighbours were", zap.Int("records", b.unsaid), zap.Int64("offset_in_buffer", first), zap.Error(reason))
		b.silent, b.unsaid = now.Add(time.Minute), 0
	}
}
