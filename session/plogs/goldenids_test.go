package plogs

import (
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// TestIDsNeverChange: of OTLP records that bring no id, one that is no UUID, or the cut id of our own SDK.
func TestIDsNeverChange(t *testing.T) {
	usual := func(more map[string]any) map[string]any {
		m := map[string]any{"sessionlog.outcome": "failure", "user.name": "alice", "client.address": "10.0.0.7", "session.id": "s-1", "app.tries": 3, "app.tags": []any{"a", "b"}}
		for k, v := range more {
			m[k] = v
		}
		return m
	}
	cut := foreignLogs(t, "sessionlog.login", usual(map[string]any{"log.record.uid": "01a2"}))
	cut.ResourceLogs().At(0).ScopeLogs().At(0).Scope().SetName(sdkScope)
	var g sessiontest.GoldenIDs
	for _, c := range []struct {
		name string
		logs plog.Logs
	}{
		{"without an id", foreignLogs(t, "sessionlog.login", usual(nil))},
		{"an id that is no UUID", foreignLogs(t, "sessionlog.login", usual(map[string]any{"log.record.uid": "record 7"}))},
		{"an id that is a UUID", foreignLogs(t, "sessionlog.login", usual(map[string]any{"log.record.uid": "01a1ee56-5e7b-88e0-b585-01fc9a9fe049"}))},
		{"an id of the SDK that was cut", cut},
		{"a dialect of others", foreignLogs(t, "user.login.failure", usual(nil))},
	} {
		var events []session.Event
		for _, e := range NewDecoder().All(c.logs) {
			var copied session.Event
			e.CopyTo(&copied)
			events = append(events, copied)
		}
		g.Add(c.name, events...)
	}
	g.Check(t, "testdata/golden_ids")
}
