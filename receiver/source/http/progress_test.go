package httpsource

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/push"
	"github.com/otel-sessionlog/sessionlog/session"
)

// TestManyLargeCallsAllEnd: 24 senders, none of whose calls the pipeline can take within its time while the others are there. Each comes
// again until it is told that all is delivered, and nothing is told twice.
func TestManyLargeCallsAllEnd(t *testing.T) {
	const senders, pages = 24, 3
	var mu sync.Mutex
	told := map[session.ID]int{}
	slot := make(chan struct{}, 1) // a pipeline that takes one page at a time
	host := quietHost(t)
	host.Emit = func(ctx context.Context, page []session.Event) error {
		select {
		case slot <- struct{}{}:
			defer func() { <-slot }()
			time.Sleep(4 * time.Millisecond)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		mu.Lock()
		defer mu.Unlock()
		for i := range page {
			told[page[i].RecordID]++
		}
		return nil
	}
	r := startOnHost(t, func(c *Config) { c.DeliveryTimeout = 100 * time.Millisecond }, host)
	var wait sync.WaitGroup
	calls := make([]int, senders)
	for i := range senders {
		wait.Go(func() {
			body := eventLines(i*pages*batchSize, pages*batchSize)
			for deadline := time.Now().Add(2 * testTimeout); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
				calls[i]++
				if a, err := r.tryPost("/v1/events", strings.NewReader(body), "Content-Type", ndjson); err == nil && a.status == http.StatusOK {
					return
				}
			}
			t.Error("a sender starves")
		})
	}
	wait.Wait()
	require.Len(t, told, senders*pages*batchSize)
	for _, times := range told {
		require.Equal(t, 1, times, "an event is told again, in calls %v", calls)
	}
	require.Greater(t, slices.Max(calls), 1, "the pipeline was too quick for this test")
}

// TestAnAnswerThatWasLost: the call comes again, and costs no delivery.
func TestAnAnswerThatWasLost(t *testing.T) {
	r := startSource(t, nil)
	body := eventLines(0, 3*batchSize)
	for range 3 {
		a := r.postText(t, "/v1/events", body, "Content-Type", ndjson)
		require.Equal(t, http.StatusOK, a.status)
		require.Equal(t, 3*batchSize, a.report.Accepted)
		require.Len(t, r.emit.Delivered(), 3*batchSize)
	}
	a := r.postText(t, "/v1/events", body+"{}\n", "Content-Type", ndjson)
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Len(t, r.emit.Delivered(), 6*batchSize, "another body is another call")
}

func TestCallsAreKnownByAllThatIDsAreMadeOf(t *testing.T) {
	origin := push.Origin{Instance: "door", Sender: "shop", Key: "k", Envelope: push.Envelope{ID: "i", Type: "t", Time: 7}}
	ids := map[callID]bool{newCallID(push.NativeDialect, push.FramingLines, []byte("body"), origin): true}
	for _, change := range []func(*push.Origin){
		func(o *push.Origin) { o.Instance = "x" }, func(o *push.Origin) { o.Sender = "x" }, func(o *push.Origin) { o.Key = "x" }, func(o *push.Origin) { o.Envelope.ID = "x" },
		func(o *push.Origin) { o.Envelope.Type = "x" }, func(o *push.Origin) { o.Envelope.Time = 8 }, func(o *push.Origin) { o.Sender, o.Key = "shopk", "" },
	} {
		other := origin
		change(&other)
		ids[newCallID(push.NativeDialect, push.FramingLines, []byte("body"), other)] = true
	}
	ids[newCallID(push.NativeDialect, push.FramingDocument, []byte("body"), origin)] = true
	ids[newCallID(push.NativeDialect, push.FramingLines, []byte("bodies"), origin)] = true
	ids[newCallID(push.FindDialect("ecs"), push.FramingLines, []byte("body"), origin)] = true
	require.Len(t, ids, 11)
}

func TestProgressIsForgotten(t *testing.T) {
	now := time.Now()
	m := newProgressMemory(func() time.Time { return now })
	m.recordDelivered(callID{1}, 100)
	m.recordDelivered(callID{1}, 50)
	require.Equal(t, 100, m.deliveredItems(callID{1}))
	require.Zero(t, m.deliveredItems(callID{2}))
	now = now.Add(rememberedFor + time.Second)
	require.Zero(t, m.deliveredItems(callID{1}))
	for i := range 2 * rememberedCalls {
		m.recordDelivered(callID{byte(i), byte(i >> 8), 1}, 1)
	}
	require.Equal(t, rememberedCalls, m.calls.Len())
}
