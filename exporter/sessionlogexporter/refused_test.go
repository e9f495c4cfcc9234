package sessionlogexporter

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/confignet"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
)

// TestNotEventsAreRefused by themselves: the events of the same call are there.
func TestNotEventsAreRefused(t *testing.T) {
	r := startExporter(t, nil, nil)
	err := r.ConsumeLogs(t.Context(), withOthers(testEvents(0, 10), 3))
	require.True(t, consumererror.IsPermanent(err))
	require.ErrorContains(t, err, "3 of 13 log records refused")
	require.ErrorContains(t, err, "not_events: dead_letter")
	require.NotContains(t, err.Error(), "secret")
	require.Equal(t, 10, r.count(t))

	only, ok := errors.AsType[consumererror.Logs](err)
	require.True(t, ok, "a receiver learns which records failed")
	require.Equal(t, 3, only.Data().LogRecordCount())
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	require.Equal(t, http.StatusBadRequest, consumererror.ToHTTPStatus(err))

	require.Error(t, r.ConsumeLogs(t.Context(), withOthers(plog.NewLogs(), 2)))
	require.Equal(t, 10, r.count(t))
	require.EqualValues(t, 5, r.metric(t, "not_events"))
	require.Empty(t, r.entries(t))
}

// TestEventsWithoutATimeAreOfTheirArrival, and one record, however often they are written.
func TestEventsWithoutATimeAreOfTheirArrival(t *testing.T) {
	var times []int64
	var ids []session.ID
	r := startExporter(t, nil, func(b backend.Backend) backend.Backend {
		return faultyBackend{b, func(ctx context.Context, all iter.Seq2[int, *session.Event], next backend.Backend) (backend.Result, error) {
			for _, e := range all {
				times, ids = append(times, e.Time), append(ids, e.RecordID)
			}
			if len(ids) == 1 {
				return backend.Result{}, errors.New("away")
			}
			return next.Write(ctx, all)
		}}
	})
	timeless := withOthers(plog.NewLogs(), 1)
	firstRecord(timeless).SetEventName("sessionlog.login")
	before := time.Now()
	require.NoError(t, r.ConsumeLogs(t.Context(), timeless))
	require.Len(t, ids, 2)
	require.Equal(t, ids[0], ids[1])
	require.WithinRange(t, time.Unix(0, times[0]), before, time.Now())
	require.Zero(t, firstRecord(timeless).ObservedTimestamp(), "the caller's record is not touched")
	require.Equal(t, 1, r.count(t))
}

// TestNotEventsOverOTLP is what a sender sees: 400 for its mistake, 200 once its events are durable.
func TestNotEventsOverOTLP(t *testing.T) {
	r := startExporter(t, nil, nil)
	factory := otlpreceiver.NewFactory()
	cfg := factory.CreateDefaultConfig().(*otlpreceiver.Config)
	socket := filepath.Join(t.TempDir(), "otlp.sock") // a port might be taken by a stranger meanwhile
	cfg.Protocols.HTTP.GetOrInsertDefault().ServerConfig.NetAddr = confignet.AddrConfig{Endpoint: socket, Transport: confignet.TransportTypeUnix}
	receiver, err := factory.CreateLogs(t.Context(), receivertest.NewNopSettings(factory.Type()), cfg, r)
	require.NoError(t, err)
	require.NoError(t, receiver.Start(t.Context(), componenttest.NewNopHost()))
	defer func() { require.NoError(t, receiver.Shutdown(context.Background())) }()

	require.Equal(t, http.StatusOK, postOTLP(t, socket, testEvents(0, 10)))
	require.Equal(t, 10, r.count(t))
	require.Equal(t, http.StatusBadRequest, postOTLP(t, socket, withOthers(testEvents(10, 20), 1)))
	require.Equal(t, 20, r.count(t))
}

func postOTLP(t *testing.T, socket string, ld plog.Logs) int {
	t.Helper()
	body, err := plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://collector/v1/logs", bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-protobuf")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	res, err := client.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.StatusCode
}

// TestNotEventsToDeadLetter keeps them, and the sender is content.
func TestNotEventsToDeadLetter(t *testing.T) {
	r := startExporter(t, func(c *Config) { c.NotEvents = NotEventsDeadLetter }, nil)
	require.NoError(t, r.ConsumeLogs(t.Context(), withOthers(testEvents(0, 10), 3)))
	require.Equal(t, 10, r.count(t))
	letters := r.entries(t)
	require.Len(t, letters, 3)
	require.Equal(t, errNotEvent.Error(), letters[0].Reason)
	require.Equal(t, "exporter/sessionlog", letters[0].Component)
	require.Equal(t, "app.secret", firstRecord(letters[0].Record).EventName())
	require.EqualValues(t, 3, r.metric(t, "not_events"))
	require.EqualValues(t, 3, r.metric(t, "dead_lettered"))
}

func firstRecord(ld plog.Logs) plog.LogRecord {
	return ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
}

// refusePort rejects the events of one client port; the real store takes the others.
func refusePort(port int32, reason string) backendOf {
	return func(b backend.Backend) backend.Backend {
		return faultyBackend{b, func(ctx context.Context, all iter.Seq2[int, *session.Event], next backend.Backend) (backend.Result, error) {
			var rejected []backend.Rejection
			result, err := next.Write(ctx, func(yield func(int, *session.Event) bool) {
				rejected = rejected[:0]
				for n, e := range all {
					if e.ClientPort == port {
						rejected = append(rejected, backend.Rejection{Index: n, Reason: reason})
					} else if !yield(n, e) {
						return
					}
				}
			})
			result.Rejected = append(result.Rejected, rejected...)
			return result, err
		}}
	}
}

// TestPoisonAmongGoodOnes goes to the dead letter alone. Typical events come in pairs with a port each.
func TestPoisonAmongGoodOnes(t *testing.T) {
	r := startExporter(t, nil, refusePort(1024+3, "client_port: not this one"))
	require.NoError(t, r.ConsumeLogs(t.Context(), testEvents(0, 100)))
	require.Equal(t, 98, r.count(t))
	letters := r.entries(t)
	require.Len(t, letters, 2)
	for _, l := range letters {
		require.Equal(t, "client_port: not this one", l.Reason)
		v, ok := firstRecord(l.Record).Attributes().Get("client.port")
		require.True(t, ok)
		require.EqualValues(t, 1024+3, v.Int())
	}
	require.EqualValues(t, 2, r.metric(t, "rejected"))
	require.EqualValues(t, 2, r.metric(t, "dead_lettered"))
	require.EqualValues(t, 98, r.metric(t, "written"))
}

// TestDeadLetterCannotBeWritten: the batch is not delivered before it can.
func TestDeadLetterCannotBeWritten(t *testing.T) {
	r := startExporter(t, nil, refusePort(1024+3, "client_port: not this one"))
	r.awaitStatus(t, componentstatus.StatusOK)
	require.NoError(t, os.RemoveAll(r.letters))
	require.NoError(t, os.WriteFile(r.letters, nil, 0o600))
	done := r.send(t.Context(), testEvents(0, 100))
	require.ErrorContains(t, r.awaitStatus(t, componentstatus.StatusRecoverableError).Err(), "dead_letter::directory")
	warnings := r.logs.FilterMessageSnippet("the dead letter cannot be written").All()
	require.Len(t, warnings, 1)
	require.Equal(t, "dead_letter::directory", warnings[0].ContextMap()["key"])
	require.Zero(t, r.logs.FilterMessageSnippet("the backend cannot be written to").Len(), "the backend is not at fault")
	select {
	case err := <-done:
		t.Fatalf("ConsumeLogs returned although two records are nowhere: %v", err)
	default:
	}
	require.NoError(t, os.Remove(r.letters))
	require.NoError(t, os.Mkdir(r.letters, 0o700))
	require.NoError(t, awaitResult(t, done))
	require.Equal(t, 98, r.count(t))
	require.Len(t, r.entries(t), 2)
}

// refuseAll says permanent to all.
func refuseAll(b backend.Backend) backend.Backend {
	return faultyBackend{b, func(context.Context, iter.Seq2[int, *session.Event], backend.Backend) (backend.Result, error) {
		return backend.Result{}, consumererror.NewPermanent(errors.New("no such table"))
	}}
}

// TestPermanentErrorIsHeard by whoever waits for the result.
func TestPermanentErrorIsHeard(t *testing.T) {
	r := startExporter(t, nil, refuseAll)
	err := r.ConsumeLogs(t.Context(), testEvents(0, 10))
	require.True(t, consumererror.IsPermanent(err))
	require.ErrorContains(t, err, "no such table")
	require.Empty(t, r.entries(t))
	require.Equal(t, 1, r.logs.FilterMessageSnippet("refused by the backend for good").FilterField(zap.Int("records", 10)).Len())
	require.Zero(t, r.logs.FilterMessageSnippet("the backend cannot be written to").Len())
	for len(r.status) > 0 {
		require.Equal(t, componentstatus.StatusOK, (<-r.status).Status(), "one bad batch says nothing of the next")
	}
}

// TestPermanentErrorThatNobodyHears goes to the dead letter: the caller has its yes already.
func TestPermanentErrorThatNobodyHears(t *testing.T) {
	r := newRig(t, t.TempDir(), func(c *Config) { c.QueueConfig.Get().WaitForResult = false }, refuseAll)
	require.NoError(t, r.Start(t.Context(), r))
	require.NoError(t, r.ConsumeLogs(t.Context(), testEvents(0, 10)))
	require.NoError(t, r.Shutdown(t.Context()), "the queue is emptied first")
	require.Len(t, r.entries(t), 10)
	require.Equal(t, 1, r.logs.FilterMessageSnippet("sending_queue::wait_for_result is false").Len())
}

// TestLoginsWithoutAnOutcomeAreCounted: they are stored, and no view of logins can show them.
func TestLoginsWithoutAnOutcomeAreCounted(t *testing.T) {
	r := startExporter(t, nil, nil)
	some := testEvents(0, 10)
	logins := 0
	for _, lr := range some.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		if logins++; lr.EventName() != "sessionlog.login" {
			logins--
		} else if logins <= 3 {
			lr.Attributes().PutStr("sessionlog.outcome", "unknown")
		}
	}
	require.NoError(t, r.ConsumeLogs(t.Context(), some))
	require.EqualValues(t, 3, r.metric(t, "unknown_outcomes"))
	require.Equal(t, 10, r.count(t))
}

// TestTwoReasonsInOneBatch: each rejected record is in the dead letter under its own reason, and its neighbours are stored.
func TestTwoReasonsInOneBatch(t *testing.T) {
	ports := map[string]int32{"client_port: not this one": 1024 + 3, "client_port: nor that one": 1024 + 5}
	r := startExporter(t, nil, func(b backend.Backend) backend.Backend {
		for reason, port := range ports {
			b = refusePort(port, reason)(b)
		}
		return b
	})
	require.NoError(t, r.ConsumeLogs(t.Context(), testEvents(0, 100)))
	require.Equal(t, 96, r.count(t))
	letters := r.entries(t)
	require.Len(t, letters, 4)
	for _, l := range letters {
		v, ok := firstRecord(l.Record).Attributes().Get("client.port")
		require.True(t, ok)
		require.EqualValues(t, ports[l.Reason], v.Int(), l.Reason)
	}
}

// TestEventsBesideOthersWhileTheBackendFails: the sender is to retry with all of it, never that the rest is refused for good,
// which would make it forget the events.
func TestEventsBesideOthersWhileTheBackendFails(t *testing.T) {
	r := startExporter(t, func(c *Config) { c.BackOffConfig.Enabled = false }, nil)
	unlock := r.lock(t)
	defer unlock()
	err := r.ConsumeLogs(t.Context(), withOthers(testEvents(0, 10), 3))
	require.Error(t, err)
	require.False(t, consumererror.IsPermanent(err), err.Error())
	require.Zero(t, r.metric(t, "not_events"))
	unlock()
	err = r.ConsumeLogs(t.Context(), withOthers(testEvents(0, 10), 3))
	require.True(t, consumererror.IsPermanent(err))
	require.Equal(t, 10, r.count(t))
}
