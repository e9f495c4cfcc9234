package alertrules

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/otlptranslator"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const root = "../.."

// addedLabels are those that Prometheus and the helpers of the collector's own exporters and receivers give.
var addedLabels = []string{"job", "instance", "le", "exporter", "receiver", "data_type"}

// TestCollectorDashboard: every expression, and every one of the alert rules over the same metrics, is one of Prometheus', names a metric that a metadata.yaml has, under each of its two spellings, and
// labels that the metric has.
func TestCollectorDashboard(t *testing.T) {
	known := knownMetrics(t)
	expressions := dashboardExpressions(t)
	require.Greater(t, len(expressions), 30)
	for _, rule := range allRules(t, collectorRules) {
		expressions = append(expressions, rule.Expr)
	}
	p := parser.NewParser(parser.Options{})
	for _, text := range expressions {
		expr, err := p.ParseExpr(text)
		require.NoError(t, err, text)
		used := usedLabels(expr)
		for _, selector := range parser.ExtractSelectors(expr) {
			found := 0
			name := nameMatcher(t, selector)
			for _, metric := range known {
				if !name.Matches(metric.spellings[0]) && !name.Matches(metric.spellings[1]) {
					continue
				}
				found++
				for _, spelling := range metric.spellings {
					require.True(t, name.Matches(spelling), "%s: not %s", text, spelling)
				}
				for _, label := range used {
					require.Contains(t, metric.labels, label, "%s: %s has no such label", text, metric.spellings[0])
				}
			}
			require.Equal(t, 1+strings.Count(name.Value, "|"), found, "%s: a metric of metadata.yaml for each name: %s", text, selector)
		}
	}
}

func nameMatcher(t *testing.T, selector []*labels.Matcher) *labels.Matcher {
	i := slices.IndexFunc(selector, func(m *labels.Matcher) bool { return m.Name == labels.MetricName })
	require.GreaterOrEqual(t, i, 0, "a selector without a name")
	return selector[i]
}

// usedLabels are those by which an expression sums or matches, and of its selectors.
func usedLabels(expr parser.Expr) (all []string) {
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.AggregateExpr:
			all = append(all, n.Grouping...)
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				all = append(all, n.VectorMatching.MatchingLabels...)
			}
		case *parser.VectorSelector:
			for _, m := range n.LabelMatchers {
				if m.Name != labels.MetricName {
					all = append(all, m.Name)
				}
			}
		}
		return nil
	})
	return all
}

// dashboardExpressions are those of panels and of variables, with what Grafana puts in.
func dashboardExpressions(t *testing.T) (all []string) {
	text, err := os.ReadFile(filepath.Join(root, "dashboards", "collector-prometheus.json"))
	require.NoError(t, err)
	var file struct {
		Panels     []struct{ Targets []struct{ Expr string } }
		Templating struct {
			List []struct{ Type, Query string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &file))
	put := strings.NewReplacer("$__rate_interval", "5m", "$job", ".*", "$instance", ".*")
	for _, p := range file.Panels {
		for _, target := range p.Targets {
			all = append(all, put.Replace(target.Expr))
		}
	}
	values := regexp.MustCompile(`^label_values\((.*), \w+\)$`)
	for _, v := range file.Templating.List {
		if v.Type == "query" {
			m := values.FindStringSubmatch(v.Query)
			require.NotNil(t, m, v.Query)
			all = append(all, put.Replace(m[1]))
		}
	}
	for _, expr := range all {
		require.NotContains(t, expr, "$")
	}
	return all
}

// knownMetric is one of a metadata.yaml.
type knownMetric struct {
	spellings [2]string // in Prometheus: by the collector's own endpoint, and by OTLP
	labels    []string
}

func knownMetrics(t *testing.T) map[string]knownMetric {
	files, err := filepath.Glob(filepath.Join(root, "*", "*", "metadata.yaml"))
	require.NoError(t, err)
	require.Greater(t, len(files), 8)
	list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "go.opentelemetry.io/collector/service", "go.opentelemetry.io/collector/exporter/exporterhelper",
		"go.opentelemetry.io/collector/receiver/receiverhelper")
	list.Dir = root
	list.Env = append(os.Environ(), "GOWORK=")
	out, err := list.Output()
	require.NoError(t, err)
	for folder := range strings.FieldsSeq(string(out)) {
		files = append(files, filepath.Join(folder, "metadata.yaml"))
	}
	known := map[string]knownMetric{}
	for _, file := range files {
		addMetrics(t, known, file)
	}
	require.Equal(t, "otelcol_receiver_sessionlog_lag_seconds", known["receiver_sessionlog_lag"].spellings[1])
	require.Equal(t, "otelcol_process_cpu_seconds_total", known["process_cpu_seconds"].spellings[1])
	return known
}

// addMetrics reads a metadata.yaml.
func addMetrics(t *testing.T, known map[string]knownMetric, file string) {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var metadata struct {
		Telemetry struct {
			Metrics map[string]struct {
				Unit           string
				Attributes     []string
				Histogram, Sum *struct{ Monotonic bool }
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &metadata), file)
	for name, m := range metadata.Telemetry.Metrics {
		var kind otlptranslator.MetricType = otlptranslator.MetricTypeGauge
		parts := []string{""}
		switch {
		case m.Histogram != nil:
			kind, parts = otlptranslator.MetricTypeHistogram, []string{"_bucket", "_count"}
		case m.Sum != nil && m.Sum.Monotonic:
			kind = otlptranslator.MetricTypeMonotonicCounter
		}
		namer := otlptranslator.MetricNamer{WithMetricSuffixes: true}
		spelled, err := namer.Build(otlptranslator.Metric{Name: "otelcol_" + name, Unit: m.Unit, Type: kind})
		require.NoError(t, err)
		for _, part := range parts {
			known[name+part] = knownMetric{[2]string{"otelcol_" + name + part, spelled + part}, slices.Concat(addedLabels, m.Attributes)}
		}
	}
}
