package backendtest

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

// ServerZones are those under which the documented questions must answer as they do in UTC, the zone of all other tests.
var ServerZones = []string{"Europe/Berlin", "America/New_York", "Asia/Kolkata"}

// RunInZone asks for spans of time, as people do, in whatever zone the storages of h are. A backend calls it for each of ServerZones.
func RunInZone(t *testing.T, h Harness) {
	s := h.New(t)
	now := time.Now()
	login := withNumberedID(&session.Event{
		Kind: session.KindLogin, Outcome: session.OutcomeSuccess, System: session.SystemRedshift, SourceEvent: "authenticated",
		Time: now.Add(-10 * time.Minute).UnixNano(), User: "ten minutes ago", SessionKey: session.ID{1}, PID: 7,
	}, 0)
	failure := withNumberedID(&session.Event{
		Kind: session.KindLogin, Outcome: session.OutcomeFailure, System: session.SystemRedshift, SourceEvent: "authentication failure",
		Time: now.Add(-10 * time.Minute).UnixNano(), User: "ten minutes ago", PID: 8,
	}, 1)
	old := withNumberedID(&session.Event{
		Kind: session.KindLogin, Outcome: session.OutcomeFailure, System: session.SystemRedshift, SourceEvent: "authentication failure",
		Time: now.Add(-2 * time.Hour).UnixNano(), User: "two hours ago", PID: 9,
	}, 2)
	writeEvents(t, openBackend(t, s), login, failure, old)
	for question, want := range map[string]string{
		"SELECT count(*) FROM session_log WHERE {event_time} > {ago 1 hour}":                                 "2",
		"SELECT count(*) FROM session_log WHERE {event_time} > {ago 5 minute}":                               "0",
		"SELECT count(*) FROM session_log WHERE {event_time} > {ago 0 minute}":                               "0",
		"SELECT count(*) FROM session_log WHERE {event_time} > {ago 3 hour}":                                 "3",
		"SELECT count(*) FROM session_log WHERE event_time_microseconds > {ago 1 hour}":                      "2",
		"SELECT count(*) FROM session_log WHERE event_time_microseconds > {ago 0 minute}":                    "0",
		"SELECT count(*) FROM session_log WHERE type = 'LoginFailure' AND {event_time} > {ago 1 hour}":       "1",
		"SELECT count(*) FROM sessions WHERE state = 'open' AND login_time > {ago 1 hour}":                   "1",
		"SELECT count(*) FROM sessions WHERE login_time > {ago 5 minute}":                                    "0",
		"SELECT count(*) FROM stl_connection_log WHERE recordtime > {utc 1 hour} AND event <> 'no such one'": "2",
		"SELECT count(*) FROM stl_connection_log WHERE recordtime > {utc 5 minute}":                          "0",
	} {
		got := s.Query(t, h.spellInterval(question))
		require.Equal(t, [][]string{{want}}, got.Cells, h.spellInterval(question))
	}
}

// spellInterval writes a span of time as the dialect has it. recordtime is UTC without a zone in every backend, as Redshift has it.
func (h Harness) spellInterval(question string) string {
	question = strings.ReplaceAll(question, "{event_time}", "event_time")
	for {
		before, rest, found := strings.Cut(question, "{")
		if !found {
			return question
		}
		inner, after, _ := strings.Cut(rest, "}")
		words := strings.Fields(inner)
		question = before + h.timeAgo(words[1], words[2], words[0] == "utc") + after
	}
}

func (h Harness) timeAgo(n, unit string, utc bool) string {
	switch h.Dialect {
	case SQLite:
		return "strftime('%Y-%m-%d %H:%M:%S', 'now', '-" + n + " " + unit + "')"
	case ClickHouse:
		ago := "now() - INTERVAL " + n + " " + unit
		if utc {
			return "formatDateTime(" + ago + ", '%Y-%m-%d %H:%i:%S', 'UTC')"
		}
		return ago
	}
	if utc {
		return "now() AT TIME ZONE 'UTC' - interval '" + n + " " + unit + "'"
	}
	return "now() - interval '" + n + " " + unit + "'"
}
