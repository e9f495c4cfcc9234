package plogs

import (
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/session"
)

// CopyRedacted copies log records, events or not, in the form that [Encoder] writes, each after hide has changed it. What it returns holds
// nothing of ld that hide has taken out.
func CopyRedacted(ld plog.Logs, version string, hide func(e *session.Event, ourIDs bool)) plog.Logs {
	events := make([]session.Event, 0, ld.LogRecordCount())
	for _, e := range NewDecoder().Hiding(hide).allRecords(ld, true) {
		events = append(events, session.Event{})
		e.CopyTo(&events[len(events)-1])
	}
	return NewEncoder(version).Encode(events)
}
