package logformattest

import (
	"math"
	"slices"
	"testing"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// newReading is one way through a text, as the tail of a file goes it.
type reading struct {
	t       testing.TB
	silent  bool
	parser  logformat.Parser
	batch   *logformat.EventBatch
	bad     []badRecord
	ends    []int // of the records
	pos     int
	emitted int // up to here another reading has emitted the events
	refused bool
}

type badRecord struct {
	at   int
	text string
}

func (f *Format) newReading(t testing.TB) *reading {
	return &reading{t: t, silent: f.Silent, parser: f.New(), batch: &logformat.EventBatch{}}
}

// fullEvent is what a batch's memory holds of events before: every field has a value.
var fullEvent = sessiontest.Full()

// fillBatchMemory leaves events in the batch's memory, which a parser must not take for empty.
func (r *reading) fillBatchMemory() {
	for range 16 {
		fullEvent.CopyTo(r.batch.Add())
	}
	r.batch.Cut(0)
}

// feedText reads what there is of the text: its beginning up to here. With final there will be no more.
func (r *reading) feedText(text string, final bool) {
	for !r.refused && r.pos < len(text) {
		rest := []byte(text[r.pos:])
		n := r.parser.Frame(rest, final)
		if n < 0 || n > len(rest) {
			r.t.Fatalf("a record of %d bytes in %d", n, len(rest))
		}
		if string(rest) != text[r.pos:] {
			r.t.Fatal("looking for the end of a record changed it")
		}
		if n == 0 {
			return
		}
		r.parseRecord(text[:r.pos+n])
	}
	if final {
		r.finishReading()
	}
}

// parseRecord parses what the text now has more.
func (r *reading) parseRecord(text string) {
	if r.refused {
		return
	}
	before := len(r.batch.Events)
	err := r.parser.Parse(text[r.pos:], int64(r.pos), r.batch)
	switch {
	case logformat.IsRefusal(err):
		r.batch.Cut(before)
		r.refused = true
	case r.pos < r.emitted:
		r.batch.Cut(before)
	case err != nil:
		r.bad = append(r.bad, badRecord{r.pos, err.Error()})
		if r.silent && len(r.batch.Events) != before {
			r.t.Fatalf("an event of a record that cannot be read: %v", err)
		}
	}
	r.pos = len(text)
	r.ends = append(r.ends, r.pos)
}

// finishReading flushes what waits for time.
func (r *reading) finishReading() *reading {
	if !r.refused {
		r.parser.FlushDue(math.MaxInt64, r.batch)
	}
	return r
}

func (r *reading) isRecordEnd(place int) bool { return slices.Contains(r.ends, place) }
