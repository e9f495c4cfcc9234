package file

import (
	"context"
	"fmt"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

type fileSource struct {
	cfg     Config
	options logformat.Options
}

// New makes the source of a valid configuration. instance is the stable name of the server whose log the files hold.
func New(cfg Config, instance string, _ component.TelemetrySettings) (source.Source, error) {
	zone, err := cfg.zone()
	if err != nil {
		return nil, err
	}
	return &fileSource{cfg: cfg, options: logformat.Options{Instance: instance, Zone: zone}}, nil
}

// Run reads until ctx ends; without `follow`, until every file has been read and delivered.
func (s *fileSource) Run(ctx context.Context, host source.Host) error {
	h := newHealth(host.Status)
	known := loadPatiently(ctx, host, h)
	if known == nil {
		return nil // ctx ended
	}
	d := newDeliverer(host, h)
	var delivering sync.WaitGroup
	delivering.Go(func() { d.run(ctx) })
	r := newReader(s, host, known, d)
	r.run(ctx)
	close(d.pages)
	delivering.Wait()
	d.save(ctx)
	return nil
}

// loadPatiently reads the cursors. Without them everything would be told again, so it waits for a store that fails.
func loadPatiently(ctx context.Context, host source.Host, h *health) *ledger {
	for attempt := 0; ; attempt++ {
		l, err := load(ctx, host.Store)
		h.set("storage", err)
		if err == nil {
			return l
		}
		if ctx.Err() == nil {
			host.Log.Warn("the cursors cannot be read: trying again", zap.Error(err))
		}
		if !wait(ctx, pause(attempt)) {
			return nil
		}
	}
}

// place names a record for whoever looks for it.
func place(path string, offset int64) string { return fmt.Sprintf("%s:%d", path, offset) }
