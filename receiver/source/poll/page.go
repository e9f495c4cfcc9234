package poll

import (
	"context"
	"sync/atomic"

	"github.com/otel-sessionlog/sessionlog/session"
)

// page is what is handed to the pipeline at once, with all that is to be remembered when it has been delivered.
type page struct {
	size   int             // number of events that it is sent with, unless more of them have one time
	events []session.Event // the first n are filled
	n      int
	told   []deliveredRow        // rows whose ids are kept
	done   []entry               // what was read to its end
	last   int64                 // time of the last row
	atTime struct{ n, told int } // where the rows of the last time begin

	repeated int
	result   chan error
}

type deliveredRow struct {
	minute int64
	id     uint64
}

// entry is one change of the delivery log.
type entry struct {
	kind  entryKind
	start int64 // of the minute or day
	Tally
}

type entryKind uint8

const (
	minuteRead entryKind = iota // a minute has this tally
	dayDone                     // a day's minutes are to be folded into their sum
	dayTotal                    // a folded day has this tally
)

func (p *page) empty() bool { return p.n == 0 && len(p.told) == 0 && len(p.done) == 0 }

func (p *page) reset() {
	p.n, p.told, p.done, p.repeated = 0, p.told[:0], p.done[:0], 0
	p.atTime.n, p.atTime.told = 0, 0
}

// slot is where the next event is to be written. It counts when n says so. Events are large: a page that few will do for
// gets few, any other one soon gets all that it holds, since growing bit by bit copies the first ones again and again.
func (p *page) slot() *session.Event {
	if p.n == len(p.events) {
		more := max(p.n, fewEvents)
		if p.n < p.size && p.n >= 4*fewEvents {
			more = p.size - p.n
		}
		grown := make([]session.Event, p.n+more)
		copy(grown, p.events)
		p.events = grown
	}
	return &p.events[p.n]
}

// cut moves the rows of the last time to an empty page.
func (p *page) cut(to *page) {
	for i := p.atTime.n; i < p.n; i++ {
		e := to.slot()
		*e, p.events[i] = p.events[i], *e // the slices change hands with the events
		to.n++
	}
	to.told = append(to.told, p.told[p.atTime.told:]...)
	to.last = p.last
	p.n, p.told = p.atTime.n, p.told[:p.atTime.told]
}

// pager fills pages and hands them on. Three pages exist: one is filled while two are on their way.
type pager struct {
	size    int
	deliver func(ctx context.Context, events []session.Event) error
	commit  func(ctx context.Context, p *page) error

	current *page
	free    chan *page
	sent    chan *page
	failed  atomic.Pointer[error] // the first failure since the last drain
}

const (
	pagesInFlight = 2
	fewEvents     = 64
)

func newPager(size int, deliver func(context.Context, []session.Event) error, commit func(context.Context, *page) error) *pager {
	g := &pager{
		size: size, deliver: deliver, commit: commit,
		free: make(chan *page, pagesInFlight+1), sent: make(chan *page, pagesInFlight+1),
	}
	for range pagesInFlight + 1 {
		g.free <- &page{size: size, result: make(chan error, 1)}
	}
	return g
}

// run commits pages in their order until the pager is closed.
func (g *pager) run(ctx context.Context) {
	for p := range g.sent {
		err := <-p.result
		if err == nil && g.failed.Load() == nil {
			err = g.commit(ctx, p)
		}
		if err != nil {
			g.failed.CompareAndSwap(nil, &err)
		}
		p.reset()
		g.free <- p
	}
}

func (g *pager) close() { close(g.sent) }

// open is the page that is being filled.
func (g *pager) open(ctx context.Context) (*page, error) {
	if g.current != nil {
		return g.current, nil
	}
	if err := g.failed.Load(); err != nil {
		return nil, *err
	}
	select {
	case g.current = <-g.free:
		return g.current, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// at is the page for a row of this time. A full page is sent; rows of one time stay together, however many they are.
func (g *pager) at(ctx context.Context, t int64) (*page, error) {
	p, err := g.open(ctx)
	if err != nil {
		return nil, err
	}
	same := t == p.last && p.n+len(p.told) > 0
	if p.n >= g.size && (!same || p.atTime.n > 0) {
		g.current = nil
		next, err := g.open(ctx)
		if err != nil {
			g.current = p
			return nil, err
		}
		if same {
			p.cut(next)
		}
		g.send(ctx, p)
		p = next
	}
	if !same {
		p.last = t
		p.atTime.n, p.atTime.told = p.n, len(p.told)
	}
	return p, nil
}

func (g *pager) send(ctx context.Context, p *page) {
	go func() { p.result <- g.deliver(ctx, p.events[:p.n]) }()
	g.sent <- p
}

// drain sends what there is and waits until everything is committed. It returns the first failure since the last drain,
// after which nothing was committed.
func (g *pager) drain(ctx context.Context) error {
	if p := g.current; p != nil {
		g.current = nil
		if p.empty() {
			g.free <- p
		} else {
			g.send(ctx, p)
		}
	}
	var back [pagesInFlight + 1]*page
	for i := range back {
		back[i] = <-g.free
	}
	for _, p := range back {
		g.free <- p
	}
	if err := g.failed.Swap(nil); err != nil {
		return *err
	}
	return nil
}

// abandon throws away what has not been sent, and waits for the rest.
func (g *pager) abandon(ctx context.Context) {
	if g.current != nil {
		g.current.reset()
	}
	_ = g.drain(ctx)
}
