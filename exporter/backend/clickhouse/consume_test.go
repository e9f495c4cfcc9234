package clickhouse_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/sessionlogexporter"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
	"github.com/otel-sessionlog/sessionlog/testengine"
)

// BenchmarkConsume is the way from ConsumeLogs to the acknowledged insert, with the settings that ship and four callers, in turns with
// four blocks of the same rows, made beforehand, one after the other.
func BenchmarkConsume(b *testing.B) {
	const callers = 4
	server := testengine.ClickHouse(b, testengine.LogsOnDemand())
	factory := sessionlogexporter.NewFactory()
	cfg := factory.CreateDefaultConfig().(*sessionlogexporter.Config)
	cfg.ClickHouse = configoptional.Some(clickhouse.DiskConfig(b, server))
	cfg.DeadLetter.Directory = b.TempDir()
	exporter, err := factory.CreateLogs(b.Context(), exportertest.NewNopSettings(sessionlogexporter.Type), cfg)
	require.NoError(b, err)
	require.NoError(b, exporter.Start(b.Context(), componenttest.NewNopHost()))
	defer func() { require.NoError(b, exporter.Shutdown(context.Background())) }()
	prebuilt := clickhouse.Prebuilt(b, server)
	var ours, theirs, cpu time.Duration
	events := 0
	for b.Loop() {
		var calls []plog.Logs
		for n := range callers {
			calls = append(calls, made(events+n*clickhouse.BenchBatch, clickhouse.BenchBatch))
		}
		begun, used := time.Now(), clickhouse.ProcessorTime()
		var all sync.WaitGroup
		for _, call := range calls {
			all.Go(func() {
				if err := exporter.ConsumeLogs(b.Context(), call); err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
		ours += time.Since(begun)
		cpu += clickhouse.ProcessorTime() - used
		for n := range callers {
			theirs += prebuilt(events + n*clickhouse.BenchBatch)
		}
		events += callers * clickhouse.BenchBatch
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(events)/ours.Seconds(), "records/s")
	b.ReportMetric(float64(events)/theirs.Seconds(), "prebuilt/s")
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "of-prebuilt")
	b.ReportMetric(cpu.Seconds()*1e6/float64(events), "cpu-s/million")
}

func made(from, n int) plog.Logs {
	events := make([]session.Event, n)
	for i := range events {
		sessiontest.Typical(&events[i], from+i)
	}
	return plogs.NewEncoder("test").Encode(events)
}
