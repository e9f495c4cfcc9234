package httpsource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/otel-sessionlog/sessionlog/session"
)

// batchSize is how many events go into the pipeline at once: it bounds what a body of tiny events takes. An event that brings a batch to
// batchAttributes is its last: in the pipeline an attribute takes ten times what it took in the body.
const (
	batchSize       = 1024
	batchAttributes = 32 << 10
)

// eventBatch is scratch for events. It is reused, and holds nothing while it waits.
type eventBatch struct {
	events []session.Event
	index  []int // of each in the body
	n      int
	attrs  int // of all events, and members of their lists
}

// grow makes room: an event is a kilobyte, so small calls get a small batch, and growing ones move their events twice at most.
func (p *eventBatch) grow() {
	room := 16
	if len(p.events) > 0 {
		room = min(len(p.events)*8, batchSize)
	}
	grown := make([]session.Event, room)
	copy(grown, p.events)
	p.events = grown
}

// usualAttributes is more than an event has, as a rule: room for more is not kept.
const usualAttributes = 64

func (p *eventBatch) clear() {
	for i := range p.n {
		if e := &p.events[i]; max(cap(e.Extra), cap(e.Roles), cap(e.Profiles), cap(e.Settings), cap(e.CertificateSubjects)) > usualAttributes {
			*e = session.Event{}
		} else {
			e.Reset()
		}
	}
	p.n, p.attrs, p.index = 0, 0, p.index[:0]
}

// call is the push.Sink of one request: it gathers batches, delivers each, and remembers the result of every item.
type call struct {
	handler *eventsHandler
	ctx     context.Context // of the request, and from the first delivery on no longer than delivery_timeout
	cancel  context.CancelFunc
	timed   bool
	batch   *eventBatch
	results []itemResult

	id    callID // of a large call
	known int    // so many of its first items were delivered before

	accepted, rejected, ignored int
	reason                      error // why the first of the rejected was
}

// itemResult is what became of an item that was accepted or rejected.
type itemResult struct {
	index  int
	id     session.ID
	reason string
}

// Slot is part of push.Sink.
func (c *call) Slot(index int) (*session.Event, error) {
	if index >= c.handler.config.MaxItems {
		c.Bad(index, fmt.Errorf("more than %d items in one call: this one and those after it are not read", c.handler.config.MaxItems))
		return nil, errTooMany
	}
	p := c.batch
	if p.n == batchSize || p.attrs >= batchAttributes {
		if err := c.flush(); err != nil {
			return nil, err
		}
	}
	if p.n == len(p.events) {
		p.grow()
	}
	return &p.events[p.n], nil
}

// Keep is part of push.Sink.
func (c *call) Keep(index int) {
	p := c.batch
	e := &p.events[p.n]
	p.attrs += len(e.Extra) + len(e.Roles) + len(e.Profiles) + len(e.Settings) + len(e.CertificateSubjects)
	p.n++
	p.index = append(p.index, index)
}

// Bad is part of push.Sink.
func (c *call) Bad(index int, reason error) {
	if c.rejected++; c.reason == nil {
		c.reason = fmt.Errorf("item %d: %w", index, reason)
	}
	c.results = append(c.results, itemResult{index: index, reason: reason.Error()})
}

// Other is part of push.Sink.
func (c *call) Other(int) { c.ignored++ }

// flush returns when the pipeline has the batch.
func (c *call) flush() error {
	p := c.batch
	if p.n == 0 {
		return nil
	}
	if err := c.emit(); err != nil {
		return err
	}
	c.results = slices.Grow(c.results, p.n)
	for i := range p.n {
		c.results = append(c.results, itemResult{index: p.index[i], id: p.events[i].RecordID})
	}
	c.accepted += p.n
	p.clear()
	return nil
}

// emit hands the batch to the pipeline, unless an earlier call with the same body has done so: its batches were the same.
func (c *call) emit() error {
	p := c.batch
	end := p.index[p.n-1] + 1
	if end <= c.known {
		return nil
	}
	if !c.timed { // what is only passed over takes no time of the delivery
		c.ctx, c.cancel = context.WithTimeout(c.ctx, c.handler.config.DeliveryTimeout)
		c.timed = true
	}
	if err := c.handler.host.Emit(c.ctx, p.events[:p.n]); err != nil {
		return errUndelivered
	}
	if c.id != (callID{}) {
		c.handler.progress.reached(c.id, end)
	}
	return nil
}

func (c *call) release() {
	c.batch.clear()
	c.handler.batches.put(c.batch)
}

// count tells the receiver what was not taken, and that something was.
func (c *call) count(place string) {
	stats := c.handler.host.Stats
	if c.rejected > 0 {
		stats.BadRows(c.rejected, place, c.reason)
	}
	if c.ignored > 0 {
		stats.Excluded(c.ignored)
	}
	if c.accepted > 0 {
		stats.Read(c.handler.host.Now(), 0)
	}
}

// answer tells the sender.
func (c *call) answer(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, errTooMany):
		respond(w, http.StatusRequestEntityTooLarge, c.report())
	case err != nil:
		refuse(w, err)
	case c.rejected > 0:
		respond(w, http.StatusBadRequest, c.report())
	default:
		respond(w, http.StatusOK, report{Accepted: c.accepted, Ignored: c.ignored})
	}
}
