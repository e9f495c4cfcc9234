package sessiontraceconnector

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otel-sessionlog/sessionlog/session"
)

// flaky takes records when it is told to.
type flaky struct {
	consumertest.LogsSink
	mu  sync.Mutex
	err error
	ask chan struct{} // has an element when it was asked
}

func (f *flaky) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *flaky) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	f.mu.Lock()
	err := f.err
	f.mu.Unlock()
	select {
	case f.ask <- struct{}{}:
	default:
	}
	if err != nil {
		return err
	}
	return f.LogsSink.ConsumeLogs(ctx, ld)
}

func (f *flaky) Capabilities() consumer.Capabilities { return consumer.Capabilities{MutatesData: true} }

// A backend of logins that is away for a while delays no span, and no update is lost or told twice.
func TestUpdatesWaitForTheirPipeline(t *testing.T) {
	sink := &flaky{ask: make(chan struct{}, 1)}
	r := newRig(t, defaultConfig(), sink)
	r.consume(t, login(1), login(2))
	sink.set(errors.New("away"))
	<-sink.ask
	r.through(t, oneSpan(1, ptrace.SpanKindServer, bySession("session-1")))
	<-sink.ask // it was tried
	r.through(t, oneSpan(2, ptrace.SpanKindServer, bySession("session-2")))
	require.Equal(t, 2, sink.LogRecordCount())
	sink.set(nil)
	require.Eventually(t, func() bool { return sink.LogRecordCount() == 4 }, 30*time.Second, 5*time.Millisecond)
	r.stop(t)
	require.Equal(t, 4, sink.LogRecordCount())
}

// What waits at the end is tried once more; what is refused for good is counted and holds nothing up.
func TestUpdatesAtTheEnd(t *testing.T) {
	sink := &flaky{ask: make(chan struct{}, 1)}
	r := newRig(t, defaultConfig(), sink)
	r.consume(t, login(1), login(2))
	<-sink.ask
	sink.set(consumererror.NewPermanent(errors.New("never")))
	r.through(t, oneSpan(1, ptrace.SpanKindServer, bySession("session-1")))
	h := r.traces.(*tracesConnector).sharedState
	require.Eventually(t, func() bool {
		b := h.lockStore()
		defer b.End()
		return b.Stats().DroppedUpdates == 1
	}, 30*time.Second, 5*time.Millisecond)

	sink.set(errors.New("away"))
	<-sink.ask
	r.through(t, oneSpan(2, ptrace.SpanKindServer, bySession("session-2")))
	<-sink.ask
	sink.set(nil)
	r.stop(t) // while it waits for its next try
	require.Equal(t, 3, sink.LogRecordCount())
}

// Everything at once: no span and no record is lost, and every login is tied to its trace, one way or the other.
func TestAllAtOnce(t *testing.T) {
	const sessions, workers = 400, 4
	r := newRig(t, defaultConfig(), nil)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for n := w; n < sessions; n += workers {
				require.NoError(t, r.traces.ConsumeTraces(context.Background(), spanOf(n)))
			}
		})
		wg.Go(func() {
			for n := w; n < sessions; n += workers {
				r.consume(t, login(n))
			}
		})
	}
	wg.Wait()
	r.stop(t)
	require.Equal(t, sessions, r.spans.SpanCount())
	traced := map[session.ID][16]byte{}
	for _, e := range r.out() {
		if e.TraceID != [16]byte{} {
			_, twice := traced[e.SessionKey]
			require.False(t, twice, "told twice")
			traced[e.SessionKey] = e.TraceID
		}
	}
	require.Len(t, traced, sessions)
	for n := range sessions {
		e := login(n)
		require.Equal(t, [16]byte{9, byte(n), byte(n >> 8)}, traced[e.SessionKey])
	}
}

func spanOf(n int) ptrace.Traces {
	e := login(n)
	td := oneSpan(9, ptrace.SpanKindServer, func(m pcommon.Map) {
		m.PutStr("client.address", e.ClientAddress)
		m.PutInt("client.port", int64(e.ClientPort))
	})
	td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetTraceID([16]byte{9, byte(n), byte(n >> 8)})
	return td
}
