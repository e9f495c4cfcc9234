package lifecycle

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync"
	"syscall"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/otelcol"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const reloadScheme = "sessionlog-reload"

// configReloader handles SIGHUP in place of the collector, which would stop everything before it reads the new configuration, and end
// if that is invalid. It is also an empty configuration provider: the collector reloads when a provider reports a change.
type configReloader struct {
	validateConfig func(context.Context) error // of the configuration as it is on the disk

	mu        sync.Mutex
	core      zapcore.Core        // of the collector's log, as it is configured now
	changed   confmap.WatcherFunc // nil while the collector does not wait for changes
	requested bool
}

func (r *configReloader) registerProvider(set *otelcol.CollectorSettings) {
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

func (r *configReloader) reloadOnSIGHUP(ctx context.Context, ready <-chan struct{}) {
	signals := takeOverSIGHUP(ctx, ready)
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			r.reloadOnce(ctx)
		}
	}
}

func (r *configReloader) reloadOnce(ctx context.Context) {
	err := r.validateConfig(ctx)
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

func takeOverSIGHUP(ctx context.Context, ready <-chan struct{}) chan os.Signal {
	signals := make(chan os.Signal, 1)
	// The collector subscribes to it in another goroutine, as soon as its pipelines are ready; until then it is ignored.
	select {
	case <-ctx.Done():
		return signals
	case <-ready:
	}
	for signal.Ignored(syscall.SIGHUP) && ctx.Err() == nil {
		runtime.Gosched() // no pause: a signal that comes in it would be the collector's
	}
	signal.Ignore(syscall.SIGHUP)
	signal.Notify(signals, syscall.SIGHUP)
	return signals
}

// Retrieve is called each time that the configuration is read.
func (r *configReloader) Retrieve(_ context.Context, uri string, changed confmap.WatcherFunc) (*confmap.Retrieved, error) {
	if uri != reloadScheme+":" {
		return nil, fmt.Errorf("%s: nothing is there", uri)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed, r.requested = changed, false
	return confmap.NewRetrieved(map[string]any{})
}

func (r *configReloader) Scheme() string { return reloadScheme }

func (r *configReloader) Shutdown(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed = nil
	return nil
}
