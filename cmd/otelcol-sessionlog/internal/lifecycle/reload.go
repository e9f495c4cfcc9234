package lifecycle

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/otelcol"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const reloadScheme = "sessionlog-reload"

// reloader handles SIGHUP in place of the collector, which stops everything before it reads the new configuration and ends if that
// is invalid. It is a place of the configuration too, an empty one: the collector reloads when such a place changes.
type reloader struct {
	check func(context.Context) error // of the configuration as it is now

	mu        sync.Mutex
	core      zapcore.Core        // of the collector's log, as it is configured now
	changed   confmap.WatcherFunc // nil while the collector does not wait for changes
	requested bool
}

// addTo puts the place into a distribution, and learns where its log goes.
func (r *reloader) addTo(set *otelcol.CollectorSettings) {
	resolver := &set.ConfigProviderSettings.ResolverSettings
	resolver.URIs = append(slices.Clip(resolver.URIs), reloadScheme+":")
	resolver.ProviderFactories = append(slices.Clip(resolver.ProviderFactories),
		confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return r }))
	set.LoggingOptions = append(slices.Clip(set.LoggingOptions), zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.core = core
		return core
	}))
}

// run reloads at every SIGHUP until ctx ends.
func (r *reloader) run(ctx context.Context) {
	signals := takeSIGHUP(ctx)
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			r.reload(ctx)
		}
	}
}

func (r *reloader) reload(ctx context.Context) {
	err := r.check(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	log := zap.New(r.core)
	if err != nil {
		log.Error("SIGHUP: the new configuration is invalid, the old configuration goes on", zap.Error(err))
		return
	}
	log.Info("SIGHUP: the new configuration is valid and will be loaded")
	if r.changed != nil && !r.requested {
		r.requested = true
		r.changed(&confmap.ChangeEvent{})
	}
}

// takeSIGHUP takes the signal from the collector, which asks for it once it has started. Until then it is ignored; that it no longer
// is tells that the collector has asked.
func takeSIGHUP(ctx context.Context) chan os.Signal {
	signals := make(chan os.Signal, 1)
	for signal.Ignored(syscall.SIGHUP) {
		select {
		case <-ctx.Done():
			return signals
		case <-time.After(10 * time.Millisecond):
		}
	}
	signal.Ignore(syscall.SIGHUP)
	signal.Notify(signals, syscall.SIGHUP)
	return signals
}

// Retrieve is called whenever the configuration is read.
func (r *reloader) Retrieve(_ context.Context, uri string, changed confmap.WatcherFunc) (*confmap.Retrieved, error) {
	if uri != reloadScheme+":" {
		return nil, fmt.Errorf("%s: nothing is there", uri)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed, r.requested = changed, false
	return confmap.NewRetrieved(map[string]any{})
}

func (r *reloader) Scheme() string { return reloadScheme }

func (r *reloader) Shutdown(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed = nil
	return nil
}
