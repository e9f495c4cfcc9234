package backendtest

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

// sessionsOfAnotherReading: an event that is read again, with a trace or from another view of its source, is no other session and
// gives the one that is there nothing: whoever knows an id could put a trace of his choice into it.
func sessionsOfAnotherReading(t *testing.T, h Harness) {
	s := h.New(t)
	b := openBackend(t, s)
	first := withNumberedID(&session.Event{
		Kind: session.KindLogin, Outcome: session.OutcomeSuccess, System: session.SystemRedshift, Time: parseUTCNanos("2026-11-21 10:00:00.5"), User: "alice",
		SessionKey: session.ID{1, 6: 0x80, 8: 0x80}, SessionID: "guid",
	}, 0)
	again, view := *first, *first
	again.TraceID, again.SpanID, again.Correlation = [16]byte{1}, [8]byte{2}, "claimed"
	view.SessionKey, view.SessionID = session.ID{2, 6: 0x80, 8: 0x80}, ""
	writeEvents(t, b, first)
	require.Equal(t, 2, writeEvents(t, b, &again, &view).Duplicates)
	require.Equal(t, [][]string{{first.SessionKey.String(), "alice", "NULL"}}, s.Query(t, "SELECT session_key, user_name, trace_id FROM sessions").Cells)
}

// viewsOfExtremes: no number that a sender may choose keeps a view from answering about all others.
func viewsOfExtremes(t *testing.T, h Harness) {
	s := h.New(t)
	b := openBackend(t, s)
	var all []*session.Event
	for i, at := range []int64{math.MinInt64, -1, 0, 1, math.MaxInt64} {
		for j, duration := range []int64{math.MinInt64, 0, math.MaxInt64} {
			for k, kind := range []session.Kind{session.KindLogin, session.KindLogout} {
				n := i*6 + j*2 + k
				e := withNumberedID(&session.Event{
					Kind: kind, Outcome: session.OutcomeSuccess, System: session.SystemRedshift, Time: at, Duration: duration, PID: math.MinInt64,
					ClientPort: math.MinInt32, ServerPort: math.MaxInt32, ClientRevision: math.MaxUint32, Severity: math.MinInt32, Observed: at,
					SessionKey:          session.ID{byte(n + 1), 6: 0x80, 8: 0x80},
					CertificateNotAfter: "9999-12-31T23:59:59Z",
				}, n)
				all = append(all, e)
			}
		}
	}
	both := func(n byte, kind session.Kind, at int64) *session.Event { // a session as long as numbers go
		return withNumberedID(&session.Event{Kind: kind, Outcome: session.OutcomeSuccess, Time: at, SessionKey: session.ID{200, 6: 0x80, 8: 0x80}}, int(n))
	}
	all = append(all, both(100, session.KindLogin, math.MinInt64), both(101, session.KindLogout, math.MaxInt64))
	require.Equal(t, len(all), writeEvents(t, b, all...).Written)
	requireEvents(t, s, all...)
	for view, rows := range map[string]int{"session_log": 32, "sessions": 31, "stl_connection_log": 30} {
		require.Len(t, s.Query(t, "SELECT * FROM "+view).Cells, rows, view)
	}
	never := s.Query(t, "SELECT DISTINCT certificate_not_after FROM session_log WHERE certificate_not_after IS NOT NULL").Cells
	require.Equal(t, [][]string{{"9999-12-31 23:59:59"}}, never, "what a certificate without an end says")
}
