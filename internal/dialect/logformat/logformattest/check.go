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
	// Silent says that a record that cannot be read tells nothing. In other formats its time may decide what was held back.
	Silent bool
}

// Check reads a text in several ways, and ends the test where they do not tell the same: at once, once more into memory
// that holds other events, in two pieces that are cut after so many bytes, and with a reader that is killed there.
func (f *Format) Check(t testing.TB, text string, cut int) []session.Event {
	t.Helper()
	cut = f.between(text, cut)
	whole := f.read(t, text)
	f.plausible(t, whole)
	used := f.reading(t)
	used.soil()
	used.feed(text, true)
	equal(t, "read again", whole, used)
	pieces := f.reading(t)
	pieces.feed(text[:cut], false)
	pieces.feed(text, true)
	equal(t, "read in two pieces", whole, pieces)
	equal(t, "read on after a kill", whole, f.killed(t, text, whole, cut))
	return whole.batch.Events
}

// between makes a place in the text of any number.
func (f *Format) between(text string, cut int) int {
	if cut %= len(text) + 1; cut < 0 {
		cut = -cut
	}
	for f.LineMayContinue && cut > 0 && cut < len(text) && text[cut-1] == '\n' {
		cut++
	}
	return cut
}

func (f *Format) read(t testing.TB, text string) *reading {
	r := f.reading(t)
	r.feed(text, true)
	return r
}

// killed reads up to the last record that ends before the cut, and has another parser go on, as a reader does: what was
// told before is not told again.
func (f *Format) killed(t testing.TB, text string, whole *reading, cut int) *reading {
	first := f.reading(t)
	n := 0
	for ; n < len(whole.ends) && whole.ends[n] <= cut; n++ {
		first.record(text[:whole.ends[n]])
	}
	if first.refused {
		return first.end()
	}
	anchor, state := first.parser.ResumeOffset(), first.parser.ResumeState()
	if anchor < 0 || int(anchor) > first.pos || anchor != 0 && !whole.isEnd(int(anchor)) {
		t.Fatalf("the anchor %d is not the place of a record up to %d", anchor, first.pos)
	}
	second := f.reading(t)
	if err := second.parser.Restore(anchor, append([]byte(nil), state...), false); err != nil {
		t.Fatalf("restore at %d: %v", anchor, err)
	}
	second.pos, second.told = int(anchor), first.pos
	second.batch, second.bad = first.batch, first.bad
	second.feed(text, true)
	return second
}

// plausible looks at what holds of every event and error.
func (f *Format) plausible(t testing.TB, r *reading) {
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

// equal compares two readings event by event, and the places of what could not be read.
func equal(t testing.TB, how string, want, got *reading) {
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
