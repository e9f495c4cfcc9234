package sessionlogforwardexporter

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
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
	eventsToVictoriaLogs = 2_000
	eventsOfACall        = 20
	allCalls             = eventsToVictoriaLogs / eventsOfACall
	callsBeforeKill      = allCalls / 2 // which are on the server's disk when it is killed
)

// wayToVictoriaLogs is one that clients of other servers go.
type wayToVictoriaLogs struct {
	name  string
	uid   string // the field that bears the record id
	query string // finds what came this way
	open  exporter.Logs
}

func openWaysToVictoriaLogs(t *testing.T, server *victorialogs.Server) []wayToVictoriaLogs {
	t.Helper()
	return []wayToVictoriaLogs{
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
}

// find counts the records that came this way, by id.
func (w *wayToVictoriaLogs) find(t *testing.T, server *victorialogs.Server) map[string]int {
	t.Helper()
	found := map[string]int{}
	for _, record := range server.Query(t, w.query+" | fields "+w.uid) {
		found[record[w.uid]]++
	}
	return found
}

// TestEveryEventReachesVictoriaLogsOverRestarts: the server ends by SIGTERM, then by SIGKILL, and comes back while events come. It answers before it
// writes, so that a kill makes it forget some that it has answered: of the last moments only, which a second delivery brings back. It has no
// ids of its own, so that what was delivered twice is there twice, with one id.
func TestEveryEventReachesVictoriaLogsOverRestarts(t *testing.T) {
	server := victorialogs.Start(t, "-inmemoryDataFlushInterval=1s")
	ways := openWaysToVictoriaLogs(t, server)
	var answered atomic.Int64 // calls
	send := func(first, end int, meanwhile func()) {
		answered.Store(0)
		var senders sync.WaitGroup
		for _, way := range ways {
			senders.Go(func() { sendCalls(way.open, first, end, &answered) })
		}
		meanwhile()
		senders.Wait()
	}
	restart := func(signal syscall.Signal) func() {
		return func() {
			require.Eventually(t, func() bool { return answered.Load() >= callsBeforeKill }, time.Minute, time.Millisecond)
			server.Stop(t, signal)
			server.Run(t)
		}
	}
	send(0, callsBeforeKill, restart(syscall.SIGTERM))
	lastAnswer := time.Now()
	require.Eventually(t, func() bool { return server.IsOnDisk(t) }, time.Minute, 50*time.Millisecond)
	t.Logf("on disk %v after the last answer", time.Since(lastAnswer))
	send(callsBeforeKill, allCalls, restart(syscall.SIGKILL))
	server.Flush(t)
	onDisk, sentAtKill, forgotten := idsOfCalls(0, callsBeforeKill), idsOfCalls(callsBeforeKill, allCalls), 0
	for _, way := range ways {
		found := way.find(t, server)
		require.Empty(t, missingOf(onDisk, found), way.name)
		missing := missingOf(sentAtKill, found)
		forgotten += len(missing)
		t.Logf("%s: answered and forgotten: %d of %d: %v", way.name, len(missing), len(sentAtKill), missing)
	}
	require.Positive(t, forgotten, "the server forgot nothing that it had answered, so that nothing is shown")

	send(callsBeforeKill, allCalls, func() {})
	server.Flush(t)
	for _, way := range ways {
		require.NoError(t, way.open.Shutdown(t.Context()))
		found := way.find(t, server)
		require.Empty(t, missingOf(append(onDisk, sentAtKill...), found), way.name)
		require.Len(t, found, eventsToVictoriaLogs, way.name)
	}
}

func missingOf(ids []string, found map[string]int) (missing []string) {
	for _, id := range ids {
		if found[id] == 0 {
			missing = append(missing, id)
		}
	}
	return missing
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

func idsOfCalls(first, end int) (ids []string) {
	for call := first; call < end; call++ {
		for _, e := range eventsOfCall(call) {
			ids = append(ids, e.RecordID.String())
		}
	}
	return ids
}

// sendCalls sends from several callers, each of whom repeats what he got an error for.
func sendCalls(e exporter.Logs, first, end int, answered *atomic.Int64) {
	calls := make(chan int)
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for call := range calls {
				for e.ConsumeLogs(context.Background(), plogs.NewEncoder("test").Encode(eventsOfCall(call))) != nil {
					time.Sleep(20 * time.Millisecond)
				}
				answered.Add(1)
			}
		})
	}
	for call := first; call < end; call++ {
		calls <- call
		time.Sleep(2 * time.Millisecond)
	}
	close(calls)
	callers.Wait()
}
