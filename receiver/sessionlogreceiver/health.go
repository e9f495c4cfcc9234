package sessionlogreceiver

import (
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
)

// health joins what the source and the pipeline say into the one status that the collector has for a component.
type health struct {
	host component.Host // set before the source starts

	mu       sync.Mutex
	read     error  // the source's trouble, nil when it is well
	deliver  error  // the pipeline's or the dead letter's
	reported string // the last reported trouble, "" is well
}

// source is the source.Host.Status.
func (h *health) source(err error) { h.change(&h.read, err) }

// pipeline tells how the delivery of a page went.
func (h *health) pipeline(err error) { h.change(&h.deliver, err) }

// change reports only what is new: a poll every second is not news. Reporting under the lock keeps the order.
func (h *health) change(trouble *error, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*trouble = err
	now := h.deliver
	if now == nil {
		now = h.read
	}
	text := ""
	if now != nil {
		text = now.Error()
	}
	if text == h.reported {
		return
	}
	h.reported = text
	event := componentstatus.NewEvent(componentstatus.StatusOK)
	if now != nil {
		event = componentstatus.NewRecoverableErrorEvent(now)
	}
	componentstatus.ReportStatus(h.host, event)
}
