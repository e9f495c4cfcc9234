package sessionlogreceiver

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTimeout is how long a test waits for what must come.
const testTimeout = 60 * time.Second

// testHost is a collector that remembers every status.
type testHost struct {
	extensions map[component.ID]component.Component

	mu      sync.Mutex
	events  []*componentstatus.Event
	changed chan struct{}
}

func newTestHost() *testHost { return &testHost{changed: make(chan struct{})} }

func (h *testHost) GetExtensions() map[component.ID]component.Component { return h.extensions }

func (h *testHost) Report(event *componentstatus.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, event)
	close(h.changed)
	h.changed = make(chan struct{})
}

func (h *testHost) statuses() (out []string, next <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, event := range h.events {
		out = append(out, event.Status().String())
	}
	return out, h.changed
}

// waitFor returns when the last status is the wanted one.
func (h *testHost) waitFor(t *testing.T, wanted func(status string) bool) {
	t.Helper()
	deadline := time.After(testTimeout)
	for {
		have, next := h.statuses()
		if len(have) > 0 && wanted(have[len(have)-1]) {
			return
		}
		select {
		case <-next:
		case <-deadline:
			t.Fatal("the status never came: ", fmt.Sprint(have))
		}
	}
}

func (h *testHost) last() *componentstatus.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.events) == 0 {
		return nil
	}
	return h.events[len(h.events)-1]
}
