package sessionlogexporter

import (
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
)

// health tells the collector how the backend does, at each change and for each new reason, and knows whether there is any use in trying on
// while the exporter shuts down.
type health struct {
	mu      sync.Mutex
	host    component.Host
	known   bool // something was reported
	ill     bool
	cause   error  // of the last failure
	reason  string // the last that was reported
	leaving func() // set while shutting down: gives up
}

// well says that a write has succeeded.
func (h *health) well() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.known || h.ill {
		componentstatus.ReportStatus(h.host, componentstatus.NewEvent(componentstatus.StatusOK))
	}
	h.known, h.ill = true, false
}

// unwell says that a write has failed and will be tried again, by us or by whoever still has the events.
func (h *health) unwell(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if reason := err.Error(); !h.ill || reason != h.reason {
		componentstatus.ReportStatus(h.host, componentstatus.NewRecoverableErrorEvent(err))
		h.reason = reason
	}
	h.known, h.ill, h.cause = true, true, err
	if h.leaving != nil {
		h.leaving()
	}
}

// failure is why the last write failed, nil if it did not.
func (h *health) failure() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.ill {
		return nil
	}
	return h.cause
}

// leave makes giveUp be called at the next failure, or now if the last write has failed.
func (h *health) leave(giveUp func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leaving = giveUp
	if h.ill {
		giveUp()
	}
}
