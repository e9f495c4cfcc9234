package file

import (
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// page is what goes to the pipeline at once, and the cursor that it moves.
type page struct {
	logformat.Page
	bytes int // of text that made it: a page of huge rows has few

	key    string
	cursor cursor
	moved  bool          // there is something to remember even without events
	lag    time.Duration // how much later than its last event the file was written, while there is more to read
}

// maxPageBytes bounds what two pages in flight hold on to.
const maxPageBytes = 8 << 20

func (p *page) reset() {
	p.Cut(0)
	p.bytes, p.key, p.cursor, p.moved, p.lag = 0, "", cursor{}, false, 0
}

// full tells whether it is time to hand the page on.
func (p *page) full(batch int) bool { return len(p.Events) >= batch || p.bytes >= maxPageBytes }
