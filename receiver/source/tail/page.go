package tail

import (
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// page is what goes to the pipeline at once, and the cursors that it moves: those of several files where one decides what
// began in another.
type page struct {
	logformat.Page
	bytes int // of text that made it: a page of huge rows has few

	marks []mark
	moved bool          // there is something to remember even without events
	lag   time.Duration // how much later than its last event the file was written, while there is more to read
}

// mark is a cursor to remember under its key.
type mark struct {
	key    string
	cursor cursor
}

// maxPageBytes bounds what two pages in flight hold on to.
const maxPageBytes = 8 << 20

func (p *page) reset() {
	p.Cut(0)
	p.bytes, p.marks, p.moved, p.lag = 0, p.marks[:0], false, 0
}

// full tells whether it is time to hand the page on.
func (p *page) full(batch int) bool { return len(p.Events) >= batch || p.bytes >= maxPageBytes }
