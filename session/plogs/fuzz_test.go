package plogs

import (
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// FuzzDecode takes any OTLP request: whatever it holds, decoding does not fail, and what was decoded survives another
// round trip with the same content and id.
func FuzzDecode(f *testing.F) {
	m := &plog.ProtoMarshaler{}
	for _, e := range []*session.Event{sessiontest.Full(), sessiontest.Minimal(), {Kind: session.KindLogout, User: "\xff"}} {
		wire, err := m.MarshalLogs(NewEncoder("fuzz").Encode([]session.Event{*e}))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	wire, _ := m.MarshalLogs(senderLogs(func(_ plog.ScopeLogs, lr plog.LogRecord) { lr.Attributes().PutStr("log.record.uid", "x") }))
	f.Add(wire)
	f.Fuzz(func(t *testing.T, wire []byte) {
		ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(wire)
		if err != nil {
			return
		}
		var events []session.Event
		for _, e := range NewDecoder().All(ld) {
			events = append(events, session.Event{})
			e.CopyTo(&events[len(events)-1])
		}
		for i, e := range events {
			again := roundTrip(t, e)
			if len(again) != 1 || again[0].RecordID != e.RecordID {
				t.Fatalf("event %d: id %v became %v", i, e.RecordID, again)
			}
		}
	})
}
