package sessiontraceconnector

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"

	"github.com/otel-sessionlog/sessionlog/connector/sessiontraceconnector/internal/correlation"
)

// sweepInterval is the longest that an expired session or a decidable login waits.
const sweepInterval = time.Second

// sharedState is what the connectors of one id share: the memory, and the goroutine that sweeps it. It begins with the first of them
// that starts and ends with the last.
type sharedState struct {
	cfg            *Config
	set            connector.Settings
	updatesWaiting chan struct{} // nobody receives where there is no logs pipeline
	forget         func()        // removes it from sharedStates
	store          *correlation.Store

	mu             sync.Mutex
	started        int // connectors
	logsConnectors int // which learn logins and fetch updates
	cancelSweep    context.CancelFunc
	sweepEnded     chan struct{}
	unregister     func() error
}

type sharedStates struct {
	mu       sync.Mutex
	byConfig map[*Config]*sharedState
}

func (hs *sharedStates) findOrMakeState(set connector.Settings, cfg component.Config) *sharedState {
	c := cfg.(*Config)
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h, ok := hs.byConfig[c]
	if !ok {
		h = &sharedState{cfg: c, set: set, updatesWaiting: make(chan struct{}, 1)}
		h.forget = func() {
			hs.mu.Lock()
			defer hs.mu.Unlock()
			delete(hs.byConfig, c)
		}
		hs.byConfig[c] = h
	}
	return h
}

func (h *sharedState) startConnector() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.started == 0 {
		h.store = correlation.NewStore(h.cfg.correlationLimits(), time.Now())
		var err error
		if h.unregister, err = registerMetrics(h); err != nil {
			return err
		}
		ctx, stop := context.WithCancel(context.Background())
		h.cancelSweep, h.sweepEnded = stop, make(chan struct{})
		go h.sweepPeriodically(ctx)
	}
	h.started++
	return nil
}

func (h *sharedState) stopConnector() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.started--; h.started > 0 {
		return nil
	}
	h.cancelSweep()
	<-h.sweepEnded
	h.forget()
	return h.unregister()
}

func (h *sharedState) sweepPeriodically(ctx context.Context) {
	defer close(h.sweepEnded)
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		b := h.lockStore()
		b.Sweep()
		h.unlockStore(b)
	}
}

func (h *sharedState) lockStore() correlation.LockedStore { return h.store.Begin(time.Now()) }

// unlockStore wakes the update sender where updates were made.
func (h *sharedState) unlockStore(b correlation.LockedStore) {
	if b.End() {
		select {
		case h.updatesWaiting <- struct{}{}:
		default:
		}
	}
}

// keepUpdates is called by the logs connector, which fetches them.
func (h *sharedState) keepUpdates(yes bool) {
	b := h.lockStore()
	b.KeepUpdates(yes)
	b.End()
}
