// Package sourcetest is the acceptance test of a source. A source's own package calls it on the real thing:
//
//	func TestSource(t *testing.T) {
//		sourcetest.Run(t, func(t testing.TB) sourcetest.Place {
//			dir := t.TempDir()
//			return sourcetest.Place{
//				Source: func(t testing.TB, o sourcetest.Options) source.Source { … },
//				Add:    func(t testing.TB, rows ...sourcetest.Row) { … },
//			}
//		})
//	}
//
// Each scenario names a promise that the receiver builds upon. [Recorder], [Store] and [Stats] are also the receiver's side of the
// contract for other tests of sources.
package sourcetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// Row is one successful login that a scenario wants to happen at the source.
type Row struct {
	User string    // no other row of the place has it
	Time time.Time // UTC, whole microseconds
}

// Options say how a scenario wants to read a place.
type Options struct {
	BatchSize int       // a batch has no more events than this, unless one timestamp does
	From      time.Time // where to start without a cursor; zero is the beginning
}

// Place is an empty place of its own where logins can happen: a folder, a table. Its functions are called by one goroutine.
type Place struct {
	// Source is a new reader of the place, as after a restart of the collector: whatever it remembers is in the store. It is of the
	// same instance each time, goes on reading when it has delivered everything, and polls without long pauses.
	Source func(t testing.TB, o Options) source.Source
	// Add makes the logins happen, in this order, and returns when they can be read.
	Add func(t testing.TB, rows ...Row)

	// Late makes logins happen that become readable only now although later ones were read long ago. nil where reading follows the
	// order of writing, so that Add is the same.
	Late func(t testing.TB, rows ...Row)
	// Bad adds one row that cannot be read. nil where the source system has none.
	Bad func(t testing.TB, at time.Time)
	// Hang is a source whose reading will not come back by itself, as from a server that takes the query and is silent; hangs tells
	// that it has come so far. nil where reading cannot hang.
	Hang func(t testing.TB) (src source.Source, hangs <-chan struct{})
	// StartsAt says that Options.From is obeyed.
	StartsAt bool
}

// Run checks a source against every promise that its places can put to the test.
func Run(t *testing.T, newPlace func(t testing.TB) Place) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) { s.run(t, newPlace(t)) })
	}
}

// RunReading checks the promises that depend on how rows are read: for another protocol, or another question, of a source that has passed
// Run. What it does when a delivery or a save fails is the same code.
func RunReading(t *testing.T, newPlace func(t testing.TB) Place) {
	for _, s := range scenarios {
		if s.reading {
			t.Run(s.name, func(t *testing.T) { s.run(t, newPlace(t)) })
		}
	}
}

var scenarios = []struct {
	name    string
	reading bool // it depends on how rows are read
	run     func(*testing.T, Place)
}{
	{"each row is delivered once, with all that a row must have", true, onceEach},
	{"a restart goes on where it was and delivers nothing twice", true, onceAcrossRestarts},
	{"what is delivered while stopping is remembered", false, rememberedWhileStopping},
	{"a failed delivery leaves the cursor and is delivered again with the same ids", false, failsForNow},
	{"a batch that fails between delivered ones is not passed over", false, failsInTheMiddle},
	{"killed before or within any save: repeats, never loses", false, killedAtSave},
	{"killed within a delivery: repeats, never loses", false, killedAtDelivery},
	{"a store that fails for a while loses nothing", false, storeFails},
	{"rows of one timestamp are all delivered, across batches and restarts", true, oneTimestamp},
	{"late rows are delivered", true, lateRows},
	{"two receivers with different start points make the same ids and keys", true, twoReceivers},
	{"a bad row is counted and its neighbours pass", true, badRow},
	{"a stop during a delivery or a hanging read ends at once, without a leak", true, endsWhileBusy},
}

// loginRows are n logins step apart from the given time on, with users named after the prefix.
func loginRows(prefix string, n int, from time.Time, step time.Duration) []Row {
	out := make([]Row, n)
	for i := range out {
		out[i] = Row{User: fmt.Sprintf("%s-%04d", prefix, i), Time: from.Add(time.Duration(i) * step)}
	}
	return out
}

// recentTime is a time in whole microseconds from which on scenarios let rows happen: young enough for any overlap and retention, old
// enough for a source that leaves the youngest rows alone for a while.
func recentTime() time.Time {
	return time.Now().UTC().Add(-5 * time.Minute).Truncate(time.Second).Add(123_456 * time.Microsecond)
}

const rowInterval = 1_001 * time.Microsecond
