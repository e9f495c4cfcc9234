package tail

import (
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// page is what goes to the pipeline at once: what was read of one file, or of many small ones.
type page struct {
	logformat.EventBatch
	bytes int // of text that made it: a page of huge rows has few

	moved []*tail       // whose cursors it moves, in the order in which they were read; even without events
	marks []mark        // those cursors, once the page is full
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
	clear(p.moved)
	p.bytes, p.marks, p.moved, p.lag = 0, p.marks[:0], p.moved[:0], 0
}

// move notes that the page moves the cursor of a file. Files are read one after another, each once a page.
func (p *page) move(t *tail) {
	if n := len(p.moved); n == 0 || p.moved[n-1] != t {
		p.moved = append(p.moved, t)
	}
}

// full tells whether it is time to hand the page on.
func (p *page) full(batch int) bool { return len(p.Events) >= batch || p.bytes >= maxPageBytes }
