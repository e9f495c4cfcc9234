// Package lifecycle runs the collector as a process: its exit status tells whether it ended well, and it ends in time whatever hangs.
package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.opentelemetry.io/collector/otelcol"
)

var watchType = component.MustNewType("sessionlog_process")

// statusWatch knows the last status of every component. The collector tells statuses to extensions only, so it is one, and a
// converter writes it into the configuration that runs.
type statusWatch struct {
	component.StartFunc
	component.ShutdownFunc
	fatal chan error // the first fatal error

	mu     sync.Mutex
	status map[*componentstatus.InstanceID]componentstatus.Status
	errors map[*componentstatus.InstanceID]error // the last one of those that are not well
}

var (
	_ extension.Extension                          = (*statusWatch)(nil)
	_ extensioncapabilities.ComponentStatusWatcher = (*statusWatch)(nil)
)

func newStatusWatch() *statusWatch {
	return &statusWatch{
		fatal: make(chan error, 1), status: map[*componentstatus.InstanceID]componentstatus.Status{},
		errors: map[*componentstatus.InstanceID]error{},
	}
}

// addTo puts the watch into a distribution.
func (w *statusWatch) addTo(set *otelcol.CollectorSettings) {
	make := set.Factories
	set.Factories = func() (otelcol.Factories, error) {
		f, err := make()
		if err == nil {
			f.Extensions[watchType] = extension.NewFactory(watchType, func() component.Config { return &struct{}{} },
				func(context.Context, extension.Settings, component.Config) (extension.Extension, error) {
					return w, nil
				},
				component.StabilityLevelStable)
		}
		return f, err
	}
	resolver := &set.ConfigProviderSettings.ResolverSettings
	resolver.ConverterFactories = append(slices.Clip(resolver.ConverterFactories),
		confmap.NewConverterFactory(func(confmap.ConverterSettings) confmap.Converter { return watchConverter{} }))
}

// watchConverter adds the watch to the extensions.
type watchConverter struct{}

func (watchConverter) Convert(_ context.Context, conf *confmap.Conf) error {
	names, ok := conf.Get("service::extensions").([]any)
	if !ok && conf.Get("service::extensions") != nil {
		return nil // a mistake that the collector explains
	}
	return conf.Merge(confmap.NewFromStringMap(map[string]any{
		"extensions": map[string]any{watchType.String(): nil},
		"service":    map[string]any{"extensions": append(slices.Clip(names), watchType.String())},
	}))
}

// Changed must not wait: whoever reports a status holds a lock of the collector.
func (w *statusWatch) Changed(source *componentstatus.InstanceID, event *componentstatus.Event) {
	w.mu.Lock()
	w.status[source] = event.Status()
	switch {
	case event.Status() == componentstatus.StatusOK:
		delete(w.errors, source)
	case event.Err() != nil:
		w.errors[source] = event.Err()
	}
	w.mu.Unlock()
	if event.Status() == componentstatus.StatusFatalError {
		select {
		case w.fatal <- fmt.Errorf("%s failed for good: %w", componentName(source), event.Err()):
		default:
		}
	}
}

func componentName(id *componentstatus.InstanceID) string {
	return strings.ToLower(id.Kind().String()) + " " + id.ComponentID().String()
}

// atWork says which components are starting or stopping now, and which were not well when that began.
func (w *statusWatch) atWork() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var busy, ill []string
	for id, status := range w.status {
		switch status {
		case componentstatus.StatusStopping:
			busy = append(busy, componentName(id)+" (stopping)")
		case componentstatus.StatusStarting:
			busy = append(busy, componentName(id)+" (starting)")
		}
	}
	for id, err := range w.errors {
		ill = append(ill, fmt.Sprintf("%s: %v", componentName(id), err))
	}
	if len(busy) == 0 {
		busy = append(busy, "the collector's own telemetry or configuration")
	}
	slices.Sort(busy)
	slices.Sort(ill)
	text := "still at work: " + strings.Join(busy, ", ")
	if len(ill) > 0 {
		text += "; not well: " + strings.Join(ill, "; ")
	}
	return text
}
