package sessionlogreceiver

import (
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
)

// statusReporter joins the states of source and pipeline into the one status that the collector has for a component.
type statusReporter struct {
	host component.Host // set before the source starts

	mu            sync.Mutex
	sourceError   error
	pipelineError error  // of the pipeline or of the dead letter
	reportedText  string // the error last reported, "" for none
}

// setSourceError is [source.Host.Status].
func (h *statusReporter) setSourceError(err error) { h.reportChange(&h.sourceError, err) }

func (h *statusReporter) setPipelineError(err error) { h.reportChange(&h.pipelineError, err) }

// reportChange reports under the lock, which keeps the order.
func (h *statusReporter) reportChange(field *error, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*field = err
	current := h.pipelineError
	if current == nil {
		current = h.sourceError
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
