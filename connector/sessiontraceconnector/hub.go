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

// hub is what the connectors of one id share: the memory, and the goroutine that sweeps it. It begins with the first of them
// that starts and ends with the last.
type hub struct {
	cfg   *Config
	set   connector.Settings
	wake  chan struct{} // updates wait; nobody listens where there is no logs pipeline
	gone  func()        // forgets the hub
	store *correlation.Store

	mu       sync.Mutex
	users    int
	tellers  int // connectors of logs to logs, which learn and fetch updates
	stop     context.CancelFunc
	swept    chan struct{}
	unhooked func() error
}

type hubs struct {
	mu  sync.Mutex
	all map[*Config]*hub
}

// of finds the hub of a configuration, or makes it. Its memory is taken when it starts.
func (hs *hubs) of(set connector.Settings, cfg component.Config) *hub {
	c := cfg.(*Config)
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h, ok := hs.all[c]
	if !ok {
		h = &hub{cfg: c, set: set, wake: make(chan struct{}, 1)}
		h.gone = func() {
			hs.mu.Lock()
			defer hs.mu.Unlock()
			delete(hs.all, c)
		}
		hs.all[c] = h
	}
	return h
}

// start is called by each connector that starts.
func (h *hub) start() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.users == 0 {
		h.store = correlation.NewStore(h.cfg.limits(), time.Now())
		var err error
		if h.unhooked, err = observe(h); err != nil {
			return err
		}
		ctx, stop := context.WithCancel(context.Background())
		h.stop, h.swept = stop, make(chan struct{})
		go h.sweep(ctx)
	}
	h.users++
	return nil
}

// leave is called by each connector that was started and ends.
func (h *hub) leave() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.users--; h.users > 0 {
		return nil
	}
	h.stop()
	<-h.swept
	h.gone()
	return h.unhooked()
}

func (h *hub) sweep(ctx context.Context) {
	defer close(h.swept)
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
func (h *hub) begin() correlation.Batch { return h.store.Begin(time.Now()) }

// end lets the memory go and wakes whoever tells updates.
func (h *hub) end(b correlation.Batch) {
	if b.End() {
		select {
		case h.wake <- struct{}{}:
		default:
		}
	}
}

// telling is called by the logs connector: from now on updates are kept for it, and it is the one that learns logins.
func (h *hub) telling(yes bool) {
	b := h.begin()
	b.TakeUpdates(yes)
	b.End()
}
