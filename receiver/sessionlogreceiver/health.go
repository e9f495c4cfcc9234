package sessionlogreceiver

import (
	"slices"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
)

// statusReporter joins the states of the source and of all deliveries into the one status that the collector has for a component.
type statusReporter struct {
	host component.Host // set before the source starts

	mu           sync.Mutex
	sourceError  error
	failing      []*failingDelivery // that are tried again, in the order of their first failure
	abandoned    error              // of a delivery that ended undelivered; nil once another one has succeeded
	reportedText string             // the error last reported, "" for none
}

// failingDelivery is what one of the deliveries that are under way waits for: the pipeline or the dead letter.
type failingDelivery struct {
	waitsFor string
	err      error
}

func (h *statusReporter) setSourceError(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sourceError = err
	h.reportChange()
}

func (h *statusReporter) setFailing(d *failingDelivery, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d.err = err
	if !slices.Contains(h.failing, d) {
		h.failing = append(h.failing, d)
	}
	h.reportChange()
}

func (h *statusReporter) endDelivery(d *failingDelivery, delivered bool) (over bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failing = slices.DeleteFunc(h.failing, func(other *failingDelivery) bool { return other == d })
	if h.abandoned = d.err; delivered {
		h.abandoned = nil
	}
	h.reportChange()
	return delivered && !slices.ContainsFunc(h.failing, func(other *failingDelivery) bool { return other.waitsFor == d.waitsFor })
}

// reportChange is called under the lock, which keeps the order. One delivery that succeeds says nothing of those that fail.
func (h *statusReporter) reportChange() {
	current := h.sourceError
	if h.abandoned != nil {
		current = h.abandoned
	}
	if len(h.failing) > 0 {
		current = h.failing[0].err
	}
	text := ""
	if current != nil {
		text = current.Error()
	}
	if text == h.reportedText {
		return
	}
	h.reportedText = text
	event := componentstatus.NewEvent(componentstatus.StatusOK)
	if current != nil {
		event = componentstatus.NewRecoverableErrorEvent(current)
	}
	componentstatus.ReportStatus(h.host, event)
}
