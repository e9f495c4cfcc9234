package clickhouse

import (
	"testing"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

func TestSource(t *testing.T) {
	s := quiet.Get(t)
	places := func(protocol string, traces TraceConfig) func(testing.TB) sourcetest.Place {
		return func(t testing.TB) sourcetest.Place { return place(t, s, protocol, traces) }
	}
	t.Run("native", func(t *testing.T) { sourcetest.Run(t, places("native", TraceConfig{})) })
	t.Run("http", func(t *testing.T) { sourcetest.RunReading(t, places("http", TraceConfig{})) })
	// Rows of which the youngest are left alone, with one more question behind each poll.
	t.Run("traces", func(t *testing.T) {
		sourcetest.RunReading(t, places("native", TraceConfig{Enabled: true, Settle: time.Second}))
	})
}

func place(t testing.TB, s *testengine.Server, protocol string, traces TraceConfig) sourcetest.Place {
	table := newLog(t, s)
	settings := func(o sourcetest.Options) Config {
		cfg := config(endpoint(s, protocol), server.Admin)
		cfg.Table, cfg.TraceCorrelation = table, traces
		cfg.Overlap = 10 * time.Minute
		if o.BatchSize > 0 {
			cfg.BatchSize = o.BatchSize
		}
		if !o.From.IsZero() {
			cfg.Initial = o.From.Format(time.RFC3339Nano)
		}
		return cfg
	}
	return sourcetest.Place{
		Source: func(t testing.TB, o sourcetest.Options) source.Source { return newSource(t, settings(o)) },
		Add:    func(t testing.TB, rows ...sourcetest.Row) { insert(t, s, table, rows...) },
		Bad: func(t testing.TB, at time.Time) {
			insertTyped(t, s, table, "Surprise", sourcetest.Row{User: "bad", Time: at})
		},
		StartsAt: true,
		Hang: func(t testing.TB) (source.Source, <-chan struct{}) {
			target := s.Native
			if protocol == "http" {
				target = s.HTTP
			}
			p := newProxy(t, target)
			p.stallAt = []byte("GROUP BY start")
			cfg := settings(sourcetest.Options{})
			cfg.Endpoints[0] = cfg.Endpoints[0][:len(cfg.Endpoints[0])-len(target)] + p.addr()
			return newSource(t, cfg), p.stalled
		},
	}
}
