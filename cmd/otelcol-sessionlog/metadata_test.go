package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/receiver"
	"go.yaml.in/yaml/v3"

	"github.com/otel-sessionlog/sessionlog/internal/metrictest"
)

const ourModule = "github.com/otel-sessionlog/sessionlog/"

// componentMetadata is what our tools read of a metadata.yaml. Its form is mdatagen's.
type componentMetadata struct {
	Type      string
	ScopeName string `yaml:"scope_name"`
	Status    struct {
		Class         string
		Stability     map[string][]string
		Distributions []string
		Codeowners    struct{ Active []string }
	}
	Attributes map[string]struct{ Description, Type string }
	Telemetry  struct{ Metrics map[string]metricMetadata }
}

type metricMetadata struct {
	Description, Unit string
	Attributes        []string
	Stability         string
	Gauge, Histogram  *struct{}
	Sum               *struct{ Monotonic, Async bool }
}

// instrument is a metric as code and metadata agree on it.
type instrument struct{ kind, unit, description string }

func (m metricMetadata) instrument() instrument {
	kind := "gauge"
	switch {
	case m.Histogram != nil:
		kind = "histogram"
	case m.Sum != nil && m.Sum.Monotonic:
		kind = "counter"
	case m.Sum != nil:
		kind = "up-down counter"
	}
	return instrument{kind, m.Unit, m.Description}
}

// observedComponent is a component of ours as the code makes it.
type observedComponent struct {
	class, typ string
	stability  []string // level and signals, as a README says it
	create     func(set component.TelemetrySettings, config component.Config) error
	config     component.Config
}

// TestMetadataSaysWhatTheCodeDoes: every component has a metadata.yaml, and its type, class, stability and metrics are the code's and its README's.
func TestMetadataSaysWhatTheCodeDoes(t *testing.T) {
	seen := map[string]bool{}
	for folder, c := range ourComponents(t) {
		t.Run(folder, func(t *testing.T) {
			path := filepath.Join("../..", folder)
			seen[filepath.Join(path, "metadata.yaml")] = true
			m := readMetadata(t, filepath.Join(path, "metadata.yaml"))
			require.Equal(t, []string{c.class, c.typ}, []string{m.Status.Class, m.Type})
			require.Equal(t, ourModule+folder, m.ScopeName)
			require.Contains(t, m.Status.Distributions, "otelcol-sessionlog")
			require.NotEmpty(t, m.Status.Codeowners.Active)
			require.Equal(t, c.stability, m.stability())
			readme, err := os.ReadFile(filepath.Join(path, "README.md"))
			require.NoError(t, err)
			require.Contains(t, string(readme), "\n| Stability | "+strings.Join(m.stability(), "; ")+" |\n", "README.md")

			inCode := metricsOf(t, m.ScopeName, c)
			inMetadata := map[string]instrument{}
			for name, metric := range m.Telemetry.Metrics {
				inMetadata["otelcol_"+name] = metric.instrument()
				for _, attribute := range metric.Attributes {
					require.Contains(t, m.Attributes, attribute, "attributes of %s", name)
				}
			}
			require.Equal(t, inMetadata, inCode)
			for name := range inCode {
				require.Contains(t, string(readme), "`"+name+"`", "README.md")
			}
			if len(inCode) > 0 {
				requireWritten(t, filepath.Join(path, "documentation.md"), m.documentation())
			}
		})
	}
	for _, pattern := range []string{"receiver", "processor", "exporter", "connector", "extension"} {
		files, err := filepath.Glob("../../" + pattern + "/*/metadata.yaml")
		require.NoError(t, err)
		for _, file := range files {
			require.True(t, seen[file], "%s is of no component of the distribution", file)
		}
	}
}

func readMetadata(t *testing.T, path string) componentMetadata {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var m componentMetadata
	require.NoError(t, yaml.Unmarshal(text, &m))
	return m
}

// documentation is the page that mdatagen would write: the metrics of the component, each with its attributes.
func (m componentMetadata) documentation() string {
	var page strings.Builder
	fmt.Fprintf(&page, "<!-- From metadata.yaml: UPDATE_DOCS=1 go test ./cmd/otelcol-sessionlog writes it. -->\n\n# %s\n\n## Internal telemetry\n", m.Type)
	for _, name := range slices.Sorted(maps.Keys(m.Telemetry.Metrics)) {
		metric := m.Telemetry.Metrics[name]
		fmt.Fprintf(&page, "\n### otelcol_%s\n\n%s\n\n| Unit | Metric type | Stability |\n|---|---|---|\n| `%s` | %s | %s |\n",
			name, metric.Description, metric.Unit, metric.instrument().kind, metric.Stability)
		if len(metric.Attributes) == 0 {
			continue
		}
		page.WriteString("\n| Attribute | Description | Type |\n|---|---|---|\n")
		for _, attribute := range metric.Attributes {
			fmt.Fprintf(&page, "| `%s` | %s | %s |\n", attribute, m.Attributes[attribute].Description, m.Attributes[attribute].Type)
		}
	}
	return page.String()
}

func (m componentMetadata) stability() []string {
	var all []string
	for _, level := range slices.Sorted(maps.Keys(m.Status.Stability)) {
		all = append(all, level+": "+strings.Join(m.Status.Stability[level], ", "))
	}
	return all
}

// metricsOf creates the component and lists the instruments that it asks for; those of the collector's helpers have other scopes.
func metricsOf(t *testing.T, scope string, c observedComponent) map[string]instrument {
	t.Helper()
	all := map[string]instrument{}
	create := func(set component.TelemetrySettings) error { return c.create(set, c.config) }
	for _, i := range metrictest.Instruments(t, create) {
		if i.Scope == scope || strings.HasPrefix(i.Scope, ourModule) {
			require.Equal(t, scope, i.Scope)
			all[i.Name] = instrument{i.Kind, i.Unit, i.Description}
		}
	}
	return all
}

// ourComponents are those of the distribution that this repository holds, by folder.
func ourComponents(t *testing.T) map[string]observedComponent {
	t.Helper()
	f, err := distributionFactories()
	require.NoError(t, err)
	all := map[string]observedComponent{}
	add := func(factory component.Factory, class string, stability string, create func(component.TelemetrySettings, component.Config) error) {
		config := factory.CreateDefaultConfig()
		folder, ours := strings.CutPrefix(reflect.TypeOf(config).Elem().PkgPath(), ourModule)
		if !ours {
			return
		}
		require.NoError(t, confmap.NewFromStringMap(leastConfig(t, folder)).Unmarshal(config))
		all[folder] = observedComponent{class: class, typ: factory.Type().String(), stability: []string{stability}, create: create, config: config}
	}
	for typ, r := range f.Receivers {
		add(r, "receiver", fmt.Sprintf("%s: logs", strings.ToLower(r.LogsStability().String())), func(set component.TelemetrySettings, config component.Config) error {
			_, err := r.CreateLogs(t.Context(), receiver.Settings{ID: component.NewID(typ), TelemetrySettings: set}, config, consumertest.NewNop())
			return err
		})
	}
	for typ, p := range f.Processors {
		add(p, "processor", fmt.Sprintf("%s: logs", strings.ToLower(p.LogsStability().String())), func(set component.TelemetrySettings, config component.Config) error {
			_, err := p.CreateLogs(t.Context(), processor.Settings{ID: component.NewID(typ), TelemetrySettings: set}, config, consumertest.NewNop())
			return err
		})
	}
	for typ, e := range f.Exporters {
		add(e, "exporter", fmt.Sprintf("%s: logs", strings.ToLower(e.LogsStability().String())), func(set component.TelemetrySettings, config component.Config) error {
			_, err := e.CreateLogs(t.Context(), exporter.Settings{ID: component.NewID(typ), TelemetrySettings: set}, config)
			return err
		})
	}
	for typ, e := range f.Extensions {
		add(e, "extension", fmt.Sprintf("%s: extension", strings.ToLower(e.Stability().String())), func(set component.TelemetrySettings, config component.Config) error {
			_, err := e.Create(t.Context(), extension.Settings{ID: component.NewID(typ), TelemetrySettings: set}, config)
			return err
		})
	}
	for typ, c := range f.Connectors {
		add(c, "connector", connectorStability(c), func(set component.TelemetrySettings, config component.Config) error {
			settings := connector.Settings{ID: component.NewID(typ), TelemetrySettings: set}
			made, err := c.CreateTracesToTraces(t.Context(), settings, config, consumertest.NewNop())
			if err != nil {
				return err
			}
			defer func() { require.NoError(t, made.Shutdown(t.Context())) }()
			return made.Start(t.Context(), componenttest.NewNopHost())
		})
	}
	return all
}

// leastConfig is what a component needs beside its defaults to be made.
func leastConfig(t *testing.T, folder string) map[string]any {
	t.Helper()
	switch folder {
	case "receiver/sessionlogreceiver":
		return map[string]any{"instance": "here", "file": map[string]any{"include": []any{filepath.Join(t.TempDir(), "*.log")}}}
	case "exporter/sessionlogexporter":
		return map[string]any{"sqlite": map[string]any{"path": filepath.Join(t.TempDir(), "session_log.db")}}
	case "exporter/sessionlogforwardexporter":
		return map[string]any{"protocol": "ndjson", "endpoint": "http://127.0.0.1:1", "dead_letter": map[string]any{"directory": t.TempDir()}}
	case "processor/sessionlogshapeprocessor":
		return map[string]any{"format": "ecs"}
	case "extension/sessionlogencoding":
		return map[string]any{"instance": "here"}
	}
	return map[string]any{}
}

// connectorStability lists the pairs of signals that a connector joins, as its README does.
func connectorStability(c connector.Factory) string {
	var pairs, levels []string
	for _, pair := range []struct {
		name  string
		level component.StabilityLevel
	}{
		{"traces_to_traces", c.TracesToTracesStability()},
		{"traces_to_metrics", c.TracesToMetricsStability()},
		{"traces_to_logs", c.TracesToLogsStability()},
		{"metrics_to_traces", c.MetricsToTracesStability()},
		{"metrics_to_metrics", c.MetricsToMetricsStability()},
		{"metrics_to_logs", c.MetricsToLogsStability()},
		{"logs_to_traces", c.LogsToTracesStability()},
		{"logs_to_logs", c.LogsToLogsStability()},
		{"logs_to_metrics", c.LogsToMetricsStability()},
	} {
		if pair.level != component.StabilityLevelUndefined {
			pairs, levels = append(pairs, pair.name), append(levels, strings.ToLower(pair.level.String()))
		}
	}
	return strings.Join(slices.Compact(levels), "/") + ": " + strings.Join(pairs, ", ")
}
