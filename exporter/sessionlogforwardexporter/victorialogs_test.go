package sessionlogforwardexporter

import (
	"context"
	"maps"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/exporter/otlphttpexporter"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
	"github.com/otel-sessionlog/sessionlog/testengine/victorialogs"
)

const (
	eventsToVictoriaLogs = 10_000
	eventsOfACall        = 100
)

// TestEveryEventReachesVictoriaLogsOverRestarts: the server ends by SIGTERM and comes back while events come. It has no ids of its own, so
// that what a call had delivered when its answer was lost is there twice, with one id.
func TestEveryEventReachesVictoriaLogsOverRestarts(t *testing.T) {
	server := victorialogs.Start(t)
	ways := []struct {
		name  string
		uid   string // the field that bears the record id
		query string // finds what came this way
		open  exporter.Logs
	}{
		{
			"elasticsearch", "event.id", `event.module:*`,
			openForward(t, server.URL("/insert/elasticsearch?_time_field=@timestamp&_msg_field=message&_stream_fields=event.dataset"), bulk),
		},
		{"splunk_hec", "fields.log_record_uid", `fields.log_record_uid:*`, openForward(t, server.URL(""), hec)},
		{
			"ndjson", "log.record.uid", `"log.record.uid":* -scope.name:*`,
			openForward(t, server.URL("/insert/jsonline?_time_field=timestamp&_msg_field=body&_stream_fields=event.name"), nil),
		},
		{"otlp", "log.record.uid", `scope.name:*`, openOTLP(t, server.URL("/insert/opentelemetry"))},
	}
	var senders sync.WaitGroup
	for _, way := range ways {
		senders.Go(func() { sendAll(way.open) })
	}
	for range 2 {
		time.Sleep(100 * time.Millisecond)
		server.Stop(t, syscall.SIGTERM)
		server.Run(t)
	}
	senders.Wait()
	server.Flush(t)
	want := map[string]bool{}
	for first := range eventsToVictoriaLogs / eventsOfACall {
		for _, e := range eventsOfCall(first) {
			want[e.RecordID.String()] = true
		}
	}
	for _, way := range ways {
		require.NoError(t, way.open.Shutdown(t.Context()))
		found, twice := map[string]bool{}, 0
		for _, record := range server.Query(t, way.query) {
			if found[record[way.uid]] {
				twice++
			}
			found[record[way.uid]] = true
		}
		require.True(t, maps.Equal(want, found), "%s: %d of %d events", way.name, len(found), len(want))
		t.Logf("%s: %d events, %d of them twice", way.name, len(found), twice)
	}
}

func openForward(t *testing.T, endpoint string, edit func(*TargetConfig)) exporter.Logs {
	t.Helper()
	factory := NewFactory()
	c := factory.CreateDefaultConfig().(*Config)
	c.Client.Endpoint, c.Protocol = endpoint, protocolNDJSON
	c.DeadLetter.Directory = filepath.Join(t.TempDir(), "dead_letter")
	c.BackOffConfig.InitialInterval = 20 * time.Millisecond
	if edit != nil {
		edit(&c.TargetConfig)
	}
	return openExporter(t, factory, c)
}

func openOTLP(t *testing.T, endpoint string) exporter.Logs {
	t.Helper()
	factory := otlphttpexporter.NewFactory()
	c := factory.CreateDefaultConfig().(*otlphttpexporter.Config)
	c.ClientConfig.Endpoint = endpoint
	c.RetryConfig.InitialInterval, c.RetryConfig.MaxElapsedTime = 20*time.Millisecond, 0
	queue := c.QueueConfig.Get()
	queue.WaitForResult, queue.BlockOnOverflow = true, true
	return openExporter(t, factory, c)
}

func openExporter(t *testing.T, factory exporter.Factory, c component.Config) exporter.Logs {
	t.Helper()
	e, err := factory.CreateLogs(t.Context(), exportertest.NewNopSettings(factory.Type()), c)
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context(), componenttest.NewNopHost()))
	return e
}

func eventsOfCall(call int) []session.Event {
	events := make([]session.Event, eventsOfACall)
	for i := range events {
		sessiontest.Typical(&events[i], call*eventsOfACall+i)
		events[i].Kind = session.KindLogin
	}
	return events
}

// sendAll sends from several callers, each of whom repeats what he got an error for.
func sendAll(e exporter.Logs) {
	calls := make(chan int)
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for call := range calls {
				for e.ConsumeLogs(context.Background(), plogs.NewEncoder("test").Encode(eventsOfCall(call))) != nil {
					time.Sleep(20 * time.Millisecond)
				}
			}
		})
	}
	for call := range eventsToVictoriaLogs / eventsOfACall {
		calls <- call
		time.Sleep(2 * time.Millisecond)
	}
	close(calls)
	callers.Wait()
}
