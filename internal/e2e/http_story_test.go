package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	pushers      = 50
	eventsEach   = 200
	eventsACall  = 10
	pushReceiver = `  sessionlog/push:
    http: {endpoint: %q, delivery_timeout: 5s}
    instance: story
    storage: file_storage
    dead_letter: {directory: '$DIR/dead_letter'}
`
)

// TestEveryPushedEventOnceOverFiveKills is the story of the source http: 50 clients push 10,000 events while the collector is killed five
// times; each sends its call again until it is answered with 2xx. Every event is in SQLite once, and says what was sent.
func TestEveryPushedEventOnceOverFiveKills(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	col := newCollector(t, fmt.Sprintf(pushReceiver, address), "sessionlog/push")
	col.start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var clients sync.WaitGroup
	failed := make(chan error, pushers)
	for p := range pushers {
		clients.Go(func() { failed <- pusher{address, p}.run(ctx) })
	}
	share := pushers * eventsEach / (kills + 1)
	for k := range kills {
		// Kill it while events arrive, not before and not after.
		require.Eventually(t, func() bool { return countRows(t, col.database(), "session_events") >= (k+1)*share }, 2*time.Minute, quick)
		col.kill(t)
		col.start(t)
	}
	clients.Wait()
	for range pushers {
		require.NoError(t, <-failed)
	}
	col.stop(t)
	var want []string
	for p := range pushers {
		for n := range eventsEach {
			want = append(want, fmt.Sprintf("pusher-%d|event %d of %d|10.0.%d.7", p, n, p, p))
		}
	}
	got := pushed(t, col)
	slices.Sort(want)
	slices.Sort(got)
	require.Equal(t, want, got) // ElementsMatch would compare each with each
}

// pushed are the rows of the table, one text each.
func pushed(t *testing.T, col *collector) []string {
	t.Helper()
	var rows []string
	for _, row := range query(t, col.database(), "SELECT user_name, source_event, client_address FROM session_events") {
		rows = append(rows, fmt.Sprintf("%v|%v|%v", row[0], row[1], row[2]))
	}
	return rows
}

// pusher is one client. Half of them give their events ids, the others rely on the Idempotency-Key of the call.
type pusher struct {
	address string
	number  int
}

func (p pusher) run(ctx context.Context) error {
	client := &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	for first := 0; first < eventsEach; first += eventsACall {
		body := p.body(first)
		for !p.post(ctx, client, body, first) {
			select {
			case <-ctx.Done():
				return fmt.Errorf("pusher %d, event %d: %w", p.number, first, ctx.Err())
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return nil
}

func (p pusher) body(first int) string {
	var b strings.Builder
	for n := first; n < first+eventsACall; n++ {
		event := map[string]any{
			"event_name": "sessionlog.login", "timestamp": int64(1_763_770_001_000_000_000), "sessionlog.outcome": "success", "service.name": "shop",
			"user.name": fmt.Sprintf("pusher-%d", p.number), "sessionlog.source.event": fmt.Sprintf("event %d of %d", n, p.number),
			"client.address": fmt.Sprintf("10.0.%d.7", p.number),
		}
		if p.number%2 == 0 {
			event["log.record.uid"] = fmt.Sprintf("%d/%d", p.number, n)
		}
		line, _ := json.Marshal(event)
		b.Write(append(line, '\n'))
	}
	return b.String()
}

// post tells whether the call was answered with 2xx. Anything else, and no answer at all, is a reason to send it again.
func (p pusher) post(ctx context.Context, client *http.Client, body string, first int) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.address+"/v1/events", strings.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Idempotency-Key", fmt.Sprintf("%d/%d", p.number, first))
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode/100 == 2
}
