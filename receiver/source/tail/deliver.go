package tail

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/session"
)

// deliverer hands pages on in order, one after another, and remembers each once it was taken. Meanwhile the next page is
// read.
type deliverer struct {
	host    source.Host
	health  *health
	pages   chan *page // to deliver
	free    chan *page // to fill
	unsaved map[string][]byte
	batch   int
}

// pagesInUse are one being filled, one waiting and one being delivered.
const pagesInUse = 3

func newDeliverer(host source.Host, h *health, batch int) *deliverer {
	d := &deliverer{host: host, health: h, pages: make(chan *page, 1), free: make(chan *page, pagesInUse), unsaved: map[string][]byte{}, batch: batch}
	for range pagesInUse {
		d.free <- &page{}
	}
	return d
}

// run works until pages is closed or ctx ends.
func (d *deliverer) run(ctx context.Context) {
	retry := time.NewTicker(time.Second)
	defer retry.Stop()
	for {
		select {
		case p, ok := <-d.pages:
			if !ok || !d.deliver(ctx, p) {
				return
			}
			p.reset()
			d.free <- p
		case <-retry.C:
			d.save(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// deliver tells the page until it is taken, and tells whether it was. The same events have the same ids each time.
func (d *deliverer) deliver(ctx context.Context, p *page) bool {
	// One record may decide much that was held back: then a page has more events than the pipeline shall get at once.
	for rest := p.Events; len(rest) > 0; {
		part := rest[:min(len(rest), d.batch)]
		if !d.emit(ctx, part) {
			return false
		}
		d.host.Stats.Read(time.Unix(0, part[len(part)-1].Time).UTC(), p.lag)
		rest = rest[len(part):]
	}
	for _, m := range p.marks {
		text, _ := json.Marshal(m.cursor) // it has texts and numbers only
		d.unsaved[m.key] = text
	}
	d.save(ctx)
	return true
}

func (d *deliverer) emit(ctx context.Context, events []session.Event) bool {
	for attempt := 0; ; attempt++ {
		err := d.host.Emit(ctx, events)
		d.health.set("delivery", err)
		if err == nil {
			return true
		}
		if !wait(ctx, pause(attempt)) {
			return false
		}
	}
}

// save writes what is unsaved. A failure does not stop the reading: after a restart the events since the last success are
// told again, with the same ids. It does not end with ctx, because what was delivered shall be remembered.
func (d *deliverer) save(ctx context.Context) {
	if len(d.unsaved) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveLimit)
	defer cancel()
	err := d.host.Store.SetAll(ctx, d.unsaved)
	d.health.set("storage", err)
	if err == nil {
		clear(d.unsaved)
	}
}

// saveLimit leaves Run time to return within the second of its contract.
const saveLimit = 400 * time.Millisecond

// pause grows from a tenth of a second to ten, with a random half, so that several receivers do not come back at once.
func pause(attempt int) time.Duration {
	full := 100 * time.Millisecond << min(attempt, 7)
	full = min(full, 10*time.Second)
	return full/2 + rand.N(full/2)
}

// wait tells whether the time passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
