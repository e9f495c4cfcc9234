package sessionlogexporter

import (
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
)

// statusReporter reports the component's status at each change and for each new reason. While the exporter shuts down, a failing
// backend makes it call giveUp.
type statusReporter struct {
	mu             sync.Mutex
	host           component.Host
	hasReported    bool // something was reported
	isFailing      bool
	lastFailure    error  // of the last failure
	reportedReason string // the last that was reported
	giveUp         func() // set while shutting down: gives up
}

func (h *statusReporter) reportOK() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.hasReported || h.isFailing {
		componentstatus.ReportStatus(h.host, componentstatus.NewEvent(componentstatus.StatusOK))
	}
	h.hasReported, h.isFailing = true, false
}

// reportFailure is for writes that will be tried again, by us or by the source that still has the events.
func (h *statusReporter) reportFailure(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if reason := err.Error(); !h.isFailing || reason != h.reportedReason {
		componentstatus.ReportStatus(h.host, componentstatus.NewRecoverableErrorEvent(err))
		h.reportedReason = reason
	}
	h.hasReported, h.isFailing, h.lastFailure = true, true, err
	if h.giveUp != nil {
		h.giveUp()
	}
}

func (h *statusReporter) currentFailure() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.isFailing {
		return nil
	}
	return h.lastFailure
}

func (h *statusReporter) giveUpOnFailure(giveUp func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.giveUp = giveUp
	if h.isFailing {
		giveUp()
	}
}
