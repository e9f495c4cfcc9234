package sourcetest

import (
	"testing"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// checkOnce fails unless exactly these rows were delivered, each once.
func checkOnce(t testing.TB, emit *Recorder, rows []Row) {
	t.Helper()
	count := map[string]int{}
	for _, e := range emit.Delivered() {
		count[e.User]++
	}
	for _, row := range rows {
		if count[row.User] != 1 {
			t.Errorf("row %s was delivered %d times, want once", row.User, count[row.User])
		}
		delete(count, row.User)
	}
	for user, n := range count {
		t.Errorf("row %s was delivered %d times, want never", user, n)
	}
}

// checkIdentities checks, over any number of runs, that a row delivered again is the same event, and that two rows never share an id. It
// returns the event of each user.
func checkIdentities(t testing.TB, recorders ...*Recorder) map[string]session.Event {
	t.Helper()
	byUser, byID := map[string]session.Event{}, map[session.ID]string{}
	for _, r := range recorders {
		for _, one := range r.emissions() {
			e := one.event
			first, again := byUser[e.User]
			switch {
			case !again:
				byUser[e.User] = e
			case first.RecordID != e.RecordID:
				t.Fatalf("row %s was emitted with record id %v and again with %v", e.User, first.RecordID, e.RecordID)
			case first.SessionKey != e.SessionKey:
				t.Fatalf("row %s was emitted with session key %v and again with %v", e.User, first.SessionKey, e.SessionKey)
			case !sessiontest.SameContent(&first, &e):
				t.Fatalf("row %s was emitted twice with different content:\n%+v\n%+v", e.User, first, e)
			}
			if other, taken := byID[e.RecordID]; taken && other != e.User {
				t.Fatalf("rows %s and %s share the record id %v", other, e.User, e.RecordID)
			}
			byID[e.RecordID] = e.User
		}
	}
	return byUser
}

// checkFields checks what every event must have, whatever the source.
func checkFields(t testing.TB, e session.Event, row Row) {
	t.Helper()
	switch {
	case e.RecordID.IsZero():
		t.Errorf("row %s has no record id", row.User)
	case e.RecordID[6]>>4 != 8:
		t.Errorf("row %s: record id %v is no UUIDv8", row.User, e.RecordID)
	case e.SessionKey.IsZero():
		t.Errorf("row %s has no session key", row.User)
	case e.Kind != session.KindLogin || e.Outcome != session.OutcomeSuccess:
		t.Errorf("row %s is a %v with outcome %v, want a successful login", row.User, e.Kind, e.Outcome)
	case e.Time/1000 != row.Time.UnixMicro():
		t.Errorf("row %s has the time %d ns, want %d ns", row.User, e.Time, row.Time.UnixNano())
	case e.Observed == 0:
		t.Errorf("row %s does not say when it was read", row.User)
	case e.System == "" || e.Instance == "":
		t.Errorf("row %s lacks its system (%q) or instance (%q)", row.User, e.System, e.Instance)
	case e.SourceEvent == "":
		t.Errorf("row %s lacks the source's own name for the event", row.User)
	}
}
