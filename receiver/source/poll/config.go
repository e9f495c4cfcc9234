package poll

import (
	"errors"
	"fmt"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// Config holds the keys that all polled sources share.
type Config struct {
	// CollectionInterval is the pause between two polls.
	CollectionInterval time.Duration `mapstructure:"collection_interval"`
	// Overlap is how far each poll looks back past the end of the one before. Ids of the rows in it are remembered, so that a row
	// that shows up late within it is delivered alone.
	Overlap time.Duration `mapstructure:"overlap"`
	// ReconcileInterval is the pause between two comparisons of all of ReconcileWindow.
	ReconcileInterval time.Duration `mapstructure:"reconcile_interval"`
	// ReconcileWindow is how long rows are accounted for by the minute; older ones are by the day.
	ReconcileWindow time.Duration `mapstructure:"reconcile_window"`
	// Initial is where to begin when nothing is remembered: beginning, end, or an RFC 3339 time.
	Initial string `mapstructure:"initial"`
	// BatchSize is how many events are handed on at once.
	BatchSize int `mapstructure:"batch_size"`
}

// DefaultConfig polls every five seconds, from the beginning.
func DefaultConfig() Config {
	return Config{
		CollectionInterval: 5 * time.Second, Overlap: time.Minute, ReconcileInterval: 5 * time.Minute,
		ReconcileWindow: 24 * time.Hour, Initial: source.InitialBeginning, BatchSize: defaultBatch,
	}
}

const (
	// defaultBatch is little memory. An exporter that likes larger writes says so (delivery).
	defaultBatch = 1024
	// maxBatch bounds the memory of a batch.
	maxBatch = 1 << 20
)

// Check names the key and the remedy of everything that is wrong. It is not called Validate, which confmap would call of an
// embedded struct by itself: every mistake would be reported twice.
func (c Config) Check() error {
	var errs []error
	for _, d := range []struct {
		key   string
		value time.Duration
		least time.Duration
	}{
		{"collection_interval", c.CollectionInterval, 10 * time.Millisecond},
		{"overlap", c.Overlap, 0},
		{"reconcile_interval", c.ReconcileInterval, 10 * time.Millisecond},
		{"reconcile_window", c.ReconcileWindow, time.Minute},
	} {
		if d.value < d.least {
			errs = append(errs, fmt.Errorf("%s: %s is less than %s", d.key, d.value, d.least))
		}
	}
	if c.ReconcileWindow < c.Overlap {
		errs = append(errs, fmt.Errorf("reconcile_window: %s is less than overlap, %s; make it longer", c.ReconcileWindow, c.Overlap))
	}
	if c.BatchSize < 1 || c.BatchSize > maxBatch {
		errs = append(errs, fmt.Errorf("batch_size: %d is not in 1-%d", c.BatchSize, maxBatch))
	}
	if _, err := c.startTime(0); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// startTime is the first time that is wanted, when the server's clock says now.
func (c Config) startTime(now int64) (int64, error) {
	switch c.Initial {
	case source.InitialBeginning:
		return AllTimes.From, nil
	case source.InitialEnd:
		return now, nil
	}
	t, err := time.Parse(time.RFC3339Nano, c.Initial)
	if err != nil {
		return 0, fmt.Errorf("initial: %q is none of beginning, end, or a time such as 2026-01-31T00:00:00Z", c.Initial)
	}
	return t.UnixMicro(), nil
}
