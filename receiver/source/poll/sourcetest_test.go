package poll

import (
	"context"
	"testing"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
)

// memorySource is a source over a memoryTable.
type memorySource struct {
	cfg   Config
	table *memoryTable
}

func (s memorySource) Run(ctx context.Context, host source.Host) error {
	return Run(ctx, s.cfg, s.table, host, "memory")
}

// TestSource runs the acceptance test of sources on the engine alone, in seconds.
func TestSource(t *testing.T) {
	sourcetest.Run(t, func(testing.TB) sourcetest.Place {
		table := &memoryTable{}
		add := func(_ testing.TB, rows ...sourcetest.Row) {
			for _, row := range rows {
				table.add(memoryRow{row.Time.UnixMicro(), row.User})
			}
		}
		newSource := func(_ testing.TB, o sourcetest.Options) source.Source {
			cfg := DefaultConfig()
			cfg.CollectionInterval, cfg.ReconcileInterval, cfg.Overlap = 2*time.Millisecond, 10*time.Millisecond, 10*time.Minute
			if o.BatchSize > 0 {
				cfg.BatchSize = o.BatchSize
			}
			if !o.From.IsZero() {
				cfg.Initial = o.From.Format(time.RFC3339Nano)
			}
			return memorySource{cfg, table}
		}
		return sourcetest.Place{
			Source: newSource, Add: add, Late: add, StartsAt: true,
			Bad: func(_ testing.TB, at time.Time) { table.add(memoryRow{micros: at.UnixMicro()}) },
			Hang: func(testing.TB) (source.Source, <-chan struct{}) {
				hanging := &memoryTable{hangs: make(chan struct{})}
				return memorySource{DefaultConfig(), hanging}, hanging.hangs
			},
		}
	})
}
