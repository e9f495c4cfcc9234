package sessiontraceconnector

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"

	"github.com/otel-sessionlog/sessionlog/connector/sessiontraceconnector/internal/correlation"
)

// sweepEvery is how often the memory is looked over. Nothing waits longer than that for being forgotten or decided.
const sweepEvery = time.Second

// sharedState is what the connectors of one id share: the memory, and the goroutine that sweeps it. It begins with the first of them
// that starts and ends with the last.
type sharedState struct {
	cfg    *Config
	set    connector.Settings
	wake   chan struct{} // updates wait; nobody listens where there is no logs pipeline
	forget func()        // takes it out of sharedStates
	store  *correlation.Store

	mu             sync.Mutex
	started        int // connectors
	logsConnectors int // which learn logins and fetch updates
	stop           context.CancelFunc
	sweepEnded     chan struct{}
	unregister     func() error
}

type sharedStates struct {
	mu  sync.Mutex
	all map[*Config]*sharedState
}

// stateOf finds the shared state of a configuration, or makes it. Its memory is taken when it starts.
func (hs *sharedStates) stateOf(set connector.Settings, cfg component.Config) *sharedState {
	c := cfg.(*Config)
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h, ok := hs.all[c]
	if !ok {
		h = &sharedState{cfg: c, set: set, wake: make(chan struct{}, 1)}
		h.forget = func() {
			hs.mu.Lock()
			defer hs.mu.Unlock()
			delete(hs.all, c)
		}
		hs.all[c] = h
	}
	return h
}

// start is called by each connector that starts.
func (h *sharedState) start() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.started == 0 {
		h.store = correlation.NewStore(h.cfg.limits(), time.Now())
		var err error
		if h.unregister, err = registerMetrics(h); err != nil {
			return err
		}
		ctx, stop := context.WithCancel(context.Background())
		h.stop, h.sweepEnded = stop, make(chan struct{})
		go h.sweep(ctx)
	}
	h.started++
	return nil
}

// leave is called by each connector that was started and ends.
func (h *sharedState) leave() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.started--; h.started > 0 {
		return nil
	}
	h.stop()
	<-h.sweepEnded
	h.forget()
	return h.unregister()
}

func (h *sharedState) sweep(ctx context.Context) {
	defer close(h.sweepEnded)
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		b := h.begin()
		b.Sweep()
		h.end(b)
	}
}

// begin holds the memory.
func (h *sharedState) begin() correlation.Batch { return h.store.Begin(time.Now()) }

// end lets the memory go and wakes whoever delivers updates.
func (h *sharedState) end(b correlation.Batch) {
	if b.End() {
		select {
		case h.wake <- struct{}{}:
		default:
		}
	}
}

// keepUpdates is called by the logs connector, which fetches them.
func (h *sharedState) keepUpdates(yes bool) {
	b := h.begin()
	b.TakeUpdates(yes)
	b.End()
}
