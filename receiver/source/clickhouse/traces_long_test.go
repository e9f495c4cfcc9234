package clickhouse

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// A query's span is written when the query has ended. One that runs for longer than the looks at new queries reach back has its
// login told long before, and must still be found: over HTTP, where its session ends with it, and as the first of a connection.
func TestTheTraceOfALongQueryIsDelivered(t *testing.T) {
	s, since := quiet.Get(t), time.Now()
	cfg := tracingSince(s, since)
	cfg.Overlap, cfg.CollectionInterval = 0, time.Second
	r := run(t, cfg, nil)
	const long = "SELECT sleepEachRow(1) FROM numbers(8) SETTINGS max_block_size = 1"
	web, native := newTrace(), newTrace()
	ended := make(chan error, 2)
	go func() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.HTTP+"/?session_id=long-web", strings.NewReader(long))
		if err != nil {
			ended <- err
			return
		}
		req.SetBasicAuth(server.Dave.Name, server.Dave.Password)
		req.Header.Set("traceparent", traceParent(web))
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		ended <- err
	}()
	stays := open(t, s, server.Bob, "long")
	go func() { ended <- stays.Query(trace.ContextWithRemoteSpanContext(t.Context(), native), long) }()
	began := fmt.Sprintf("SELECT count() FROM system.session_log WHERE type = 'LoginSuccess' AND user IN ('bob', 'dave') AND event_time_microseconds >= fromUnixTimestamp64Micro(toInt64(%d))", since.UnixMicro())
	s.WaitQuery(t, began, func(rows [][]string) bool { return rows[0][0] == "2" })
	require.Zero(t, r.login(t, named("long")).TraceID)
	require.Zero(t, r.login(t, named("long-web")).TraceID)

	// Somebody else's trace has been told since: queries up to then have been looked at.
	other := open(t, s, server.Carol, "other")
	othersTrace := newTrace()
	query(t, other, othersTrace)
	logged(t, s, since, 0, 1, othersTrace)
	traced := func(user server.User) func() bool {
		return func() bool {
			for _, e := range r.emit.Delivered() {
				if e.User == user.Name && e.TraceID != ([16]byte{}) {
					return true
				}
			}
			return false
		}
	}
	eventually(t, "the other trace", traced(server.Carol))
	r.polls(t)

	for range 2 {
		require.NoError(t, <-ended)
	}
	query(t, stays, newTrace())
	logged(t, s, since, 1, 4, native, web)
	for user, want := range map[string]trace.SpanContext{server.Bob.Name: native, server.Dave.Name: web} {
		is := func(e *session.Event) bool { return e.User == user }
		eventually(t, "the update of "+user, func() bool { return r.find(session.KindSessionUpdate, is) != nil })
		require.Equal(t, [16]byte(want.TraceID()), r.find(session.KindSessionUpdate, is).TraceID, user)
	}
	require.NoError(t, stays.Close())
	require.NoError(t, other.Close())
	logged(t, s, since, 3, 4)
}
