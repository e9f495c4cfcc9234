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
	events         []session.Event
	itemIndexes    []int // of each in the body
	count          int
	attributeCount int // of all events, and members of their lists
}

func (p *eventBatch) growCapacity() {
	// An event is a kilobyte: small calls get a small batch, and growing ones move their events twice at most.
	room := 16
	if len(p.events) > 0 {
		room = min(len(p.events)*8, batchSize)
	}
	grown := make([]session.Event, room)
	copy(grown, p.events)
	p.events = grown
}

// maxKeptAttributes is more than most events have: the memory of larger ones is not kept.
const maxKeptAttributes = 64

func (p *eventBatch) clearEvents() {
	for i := range p.count {
		if e := &p.events[i]; max(cap(e.Extra), cap(e.Roles), cap(e.Profiles), cap(e.Settings), cap(e.CertificateSubjects)) > maxKeptAttributes {
			*e = session.Event{}
		} else {
			e.Reset()
		}
	}
	p.count, p.attributeCount, p.itemIndexes = 0, 0, p.itemIndexes[:0]
}

// pushCall is the push.Sink of one request: it collects batches, delivers each, and keeps the result of every item.
type pushCall struct {
	handler     *eventsHandler
	ctx         context.Context // of the request, and from the first delivery on no longer than delivery_timeout
	cancel      context.CancelFunc
	hasDeadline bool
	batch       *eventBatch
	results     []itemResult

	id               callID // of a large call
	alreadyDelivered int    // number of its first items that an earlier call delivered

	accepted, rejected, ignored int
	firstRejection              error // why the first of the rejected was
}

// itemResult is of an accepted or rejected item; reason is empty for the former.
type itemResult struct {
	index  int
	id     session.ID
	reason string
}

func (c *pushCall) Slot(index int) (*session.Event, error) {
	if index >= c.handler.config.MaxItems {
		c.Bad(index, fmt.Errorf("more than %d items in one call: this one and those after it are not read", c.handler.config.MaxItems))
		return nil, errTooMany
	}
	p := c.batch
	if p.count == batchSize || p.attributeCount >= batchAttributes {
		if err := c.deliverBatch(); err != nil {
			return nil, err
		}
	}
	if p.count == len(p.events) {
		p.growCapacity()
	}
	return &p.events[p.count], nil
}

func (c *pushCall) Keep(index int) {
	p := c.batch
	e := &p.events[p.count]
	p.attributeCount += len(e.Extra) + len(e.Roles) + len(e.Profiles) + len(e.Settings) + len(e.CertificateSubjects)
	p.count++
	p.itemIndexes = append(p.itemIndexes, index)
}

func (c *pushCall) Bad(index int, reason error) {
	if c.rejected++; c.firstRejection == nil {
		c.firstRejection = fmt.Errorf("item %d: %w", index, reason)
	}
	c.results = append(c.results, itemResult{index: index, reason: reason.Error()})
}

func (c *pushCall) Other(int) { c.ignored++ }

func (c *pushCall) deliverBatch() error {
	p := c.batch
	if p.count == 0 {
		return nil
	}
	if err := c.emitBatch(); err != nil {
		return err
	}
	c.results = slices.Grow(c.results, p.count)
	for i := range p.count {
		c.results = append(c.results, itemResult{index: p.itemIndexes[i], id: p.events[i].RecordID})
	}
	c.accepted += p.count
	p.clearEvents()
	return nil
}

func (c *pushCall) emitBatch() error {
	p := c.batch
	end := p.itemIndexes[p.count-1] + 1
	if end <= c.alreadyDelivered { // by an earlier call with the same body, whose batches were the same
		return nil
	}
	if !c.hasDeadline { // skipped batches do not use the time of the delivery
		c.ctx, c.cancel = context.WithTimeout(c.ctx, c.handler.config.DeliveryTimeout)
		c.hasDeadline = true
	}
	if err := c.handler.host.Emit(c.ctx, p.events[:p.count]); err != nil {
		return errUndelivered
	}
	if c.id != (callID{}) {
		c.handler.progress.recordDelivered(c.id, end)
	}
	return nil
}

func (c *pushCall) recycleBatch() {
	c.batch.clearEvents()
	c.handler.batches.putBack(c.batch)
}

func (c *pushCall) countResults(place string) {
	stats := c.handler.host.Stats
	if c.rejected > 0 {
		stats.BadRows(c.rejected, place, c.firstRejection)
	}
	if c.ignored > 0 {
		stats.Excluded(c.ignored)
	}
	if c.accepted > 0 {
		stats.Read(c.handler.host.Now(), 0)
	}
}

func (c *pushCall) respondTo(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, errTooMany):
		respondJSON(w, http.StatusRequestEntityTooLarge, c.buildReport())
	case err != nil:
		respondError(w, err)
	case c.rejected > 0:
		respondJSON(w, http.StatusBadRequest, c.buildReport())
	default:
		respondJSON(w, http.StatusOK, callReport{Accepted: c.accepted, Ignored: c.ignored})
	}
}
