package sessionlogdelivery

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.uber.org/zap"
)

var (
	_ extension.Extension                         = (*configWatcher)(nil)
	_ extensioncapabilities.ConfigSnapshotWatcher = (*configWatcher)(nil)
)

// configWatcher is called by the collector once, before the pipelines start.
type configWatcher struct {
	component.StartFunc
	component.ShutdownFunc
	cfg *Config
	log *zap.Logger
}

// NotifyConfigSnapshot warns of what can lose events, or fails with on_loss: refuse.
func (w *configWatcher) NotifyConfigSnapshot(_ context.Context, snapshot extensioncapabilities.ConfigSnapshot) error {
	conf := snapshot.Effective().ToStringMap()
	w.warnOfOpenListeners(conf)
	w.warnOfShortTimeouts(conf)
	w.warnOfWeakSeals(conf)
	w.warnOfOwnLogins(conf)
	var refused []error
	for _, f := range findLosses(conf) {
		switch {
		case slices.Contains(w.cfg.Acknowledge, f.component):
			w.log.Debug("acknowledged: "+f.String(), zap.String("component", f.component))
		case w.cfg.OnLoss == OnLossRefuse:
			refused = append(refused, errors.New(f.String()))
		default:
			w.log.Warn("authentication events can be lost: "+f.String(), zap.String("component", f.component))
		}
	}
	if refused == nil {
		return nil
	}
	return fmt.Errorf("authentication events can be lost (on_loss: refuse; list a component under acknowledge to accept it): %w", errors.Join(refused...))
}
