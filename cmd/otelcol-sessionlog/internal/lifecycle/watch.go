// Package lifecycle runs the collector as a process, with an exit status that shows a failure, and an end in time whatever hangs.
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

var recorderType = component.MustNewType("sessionlog_process")

// statusRecorder keeps the last status of every component. The collector reports statuses to extensions only, so it is one, and a
// converter adds it to the configuration.
type statusRecorder struct {
	component.StartFunc
	component.ShutdownFunc
	fatal chan error    // the first fatal error
	ready chan struct{} // closed once the pipelines have been ready
	once  sync.Once

	mu     sync.Mutex
	status map[*componentstatus.InstanceID]componentstatus.Status
	errors map[*componentstatus.InstanceID]error // the last one of each component with an error
}

var (
	_ extension.Extension                          = (*statusRecorder)(nil)
	_ extensioncapabilities.ComponentStatusWatcher = (*statusRecorder)(nil)
	_ extensioncapabilities.PipelineWatcher        = (*statusRecorder)(nil)
)

func newStatusRecorder() *statusRecorder {
	return &statusRecorder{
		fatal: make(chan error, 1), ready: make(chan struct{}), status: map[*componentstatus.InstanceID]componentstatus.Status{},
		errors: map[*componentstatus.InstanceID]error{},
	}
}

func (w *statusRecorder) registerExtension(set *otelcol.CollectorSettings) {
	makeFactories := set.Factories
	set.Factories = func() (otelcol.Factories, error) {
		f, err := makeFactories()
		if err == nil {
			f.Extensions[recorderType] = extension.NewFactory(recorderType, func() component.Config { return &struct{}{} },
				func(context.Context, extension.Settings, component.Config) (extension.Extension, error) {
					return w, nil
				},
				component.StabilityLevelStable)
		}
		return f, err
	}
	resolver := &set.ConfigProviderSettings.ResolverSettings
	resolver.ConverterFactories = append(slices.Clip(resolver.ConverterFactories),
		confmap.NewConverterFactory(func(confmap.ConverterSettings) confmap.Converter { return recorderConverter{} }))
}

type recorderConverter struct{}

func (recorderConverter) Convert(_ context.Context, conf *confmap.Conf) error {
	names, ok := conf.Get("service::extensions").([]any)
	if !ok && conf.Get("service::extensions") != nil {
		return nil // the collector explains this mistake
	}
	return conf.Merge(confmap.NewFromStringMap(map[string]any{
		"extensions": map[string]any{recorderType.String(): nil},
		"service":    map[string]any{"extensions": append(slices.Clip(names), recorderType.String())},
	}))
}

func (w *statusRecorder) Ready() error {
	w.once.Do(func() { close(w.ready) })
	return nil
}

func (w *statusRecorder) NotReady() error { return nil }

// Changed must not block: its caller holds a lock of the collector.
func (w *statusRecorder) Changed(source *componentstatus.InstanceID, event *componentstatus.Event) {
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

func (w *statusRecorder) describeUnfinished() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var busy, failed []string
	for id, status := range w.status {
		switch status {
		case componentstatus.StatusStopping:
			busy = append(busy, componentName(id)+" (stopping)")
		case componentstatus.StatusStarting:
			busy = append(busy, componentName(id)+" (starting)")
		}
	}
	for id, err := range w.errors {
		failed = append(failed, fmt.Sprintf("%s: %v", componentName(id), err))
	}
	if len(busy) == 0 {
		busy = append(busy, "the collector's own telemetry or configuration")
	}
	slices.Sort(busy)
	slices.Sort(failed)
	text := "still at work: " + strings.Join(busy, ", ")
	if len(failed) > 0 {
		text += "; with errors: " + strings.Join(failed, "; ")
	}
	return text
}
