// Package logformattest says what every format must do with any text, so that each format's fuzz target can ask it: of a
// file that grows, of a reader that is killed, of a line that nobody ever wrote.
package logformattest

import (
	"regexp"
	"testing"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// Format is one format, with the options that a text is read with.
type Format struct {
	New func() logformat.Parser
	// Errors fits every text that an error may have: none has a value of a record in it.
	Errors *regexp.Regexp
	// LineMayContinue says that only what follows a line can show whether it was all of its record. Then what is there so far does not
	// end with a line: a reader must take it for whole, as it is when its writer writes records at once.
	LineMayContinue bool
	// Silent says that a record that cannot be read gives no event. In other formats its time may decide what was held back.
	Silent bool
}

// Check reads a text in several ways, and ends the test where their events differ: at once, once more into memory
// that holds other events, in two pieces that are cut after so many bytes, and with a reader that is killed there.
func (f *Format) Check(t testing.TB, text string, cut int) []session.Event {
	t.Helper()
	cut = f.boundCut(text, cut)
	whole := f.readWholeText(t, text)
	f.checkPlausible(t, whole)
	used := f.newReading(t)
	used.fillBatchMemory()
	used.feedText(text, true)
	requireSameReading(t, "read again", whole, used)
	pieces := f.newReading(t)
	pieces.feedText(text[:cut], false)
	pieces.feedText(text, true)
	requireSameReading(t, "read in two pieces", whole, pieces)
	requireSameReading(t, "read on after a kill", whole, f.readAfterKill(t, text, whole, cut))
	return whole.batch.Events
}

// boundCut makes a place in the text of any number.
func (f *Format) boundCut(text string, cut int) int {
	if cut %= len(text) + 1; cut < 0 {
		cut = -cut
	}
	for f.LineMayContinue && cut > 0 && cut < len(text) && text[cut-1] == '\n' {
		cut++
	}
	return cut
}

func (f *Format) readWholeText(t testing.TB, text string) *reading {
	r := f.newReading(t)
	r.feedText(text, true)
	return r
}

// readAfterKill reads up to the last record that ends before the cut, and has another parser go on, as a reader does: what was
// emitted before is not emitted again.
func (f *Format) readAfterKill(t testing.TB, text string, whole *reading, cut int) *reading {
	first := f.newReading(t)
	n := 0
	for ; n < len(whole.ends) && whole.ends[n] <= cut; n++ {
		first.parseRecord(text[:whole.ends[n]])
	}
	if first.refused {
		return first.finishReading()
	}
	anchor, state := first.parser.ResumeOffset(), first.parser.ResumeState()
	if anchor < 0 || int(anchor) > first.pos || anchor != 0 && !whole.isRecordEnd(int(anchor)) {
		t.Fatalf("the anchor %d is not the place of a record up to %d", anchor, first.pos)
	}
	second := f.newReading(t)
	if err := second.parser.Restore(anchor, append([]byte(nil), state...), false); err != nil {
		t.Fatalf("restore at %d: %v", anchor, err)
	}
	second.pos, second.emitted = int(anchor), first.pos
	second.batch, second.bad = first.batch, first.bad
	second.feedText(text, true)
	return second
}

// checkPlausible checks what holds of every event and error.
func (f *Format) checkPlausible(t testing.TB, r *reading) {
	for i := range r.batch.Events {
		e := &r.batch.Events[i]
		if e.RecordID.IsZero() || e.SessionKey.IsZero() || e.Kind == session.KindUnknown || e.System == "" || e.Instance == "" {
			t.Fatalf("an event without ids, kind, system or instance: %+v", e)
		}
		if e.UserEmpty && e.User != "" {
			t.Fatalf("the user is said to be empty and is %q", e.User)
		}
	}
	for _, b := range r.bad {
		if !f.Errors.MatchString(b.text) {
			t.Fatalf("an error that may hold a value: %s", b.text)
		}
	}
}

// requireSameReading compares two readings event by event, and the places of what could not be read.
func requireSameReading(t testing.TB, how string, want, got *reading) {
	t.Helper()
	if len(want.batch.Events) != len(got.batch.Events) {
		t.Fatalf("%s: %d events instead of %d", how, len(got.batch.Events), len(want.batch.Events))
	}
	for i := range want.batch.Events {
		a, b := &want.batch.Events[i], &got.batch.Events[i]
		if a.RecordID != b.RecordID || a.SessionKey != b.SessionKey || !sessiontest.SameContent(a, b) {
			t.Fatalf("%s: event %d differs:\n%+v\n%+v", how, i, a, b)
		}
	}
	for i := range max(len(want.bad), len(got.bad)) {
		if i >= len(want.bad) || i >= len(got.bad) || want.bad[i] != got.bad[i] {
			t.Fatalf("%s: bad records are %v instead of %v", how, got.bad[min(i, len(got.bad)):], want.bad[min(i, len(want.bad)):])
		}
	}
}
