package sessiontraceconnector

import (
	"fmt"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/prometheus/otlptranslator"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.yaml.in/yaml/v3"

	"github.com/otel-sessionlog/sessionlog/session"
)

// TestAlertRulesNameWhatIsSent takes every metric and label of the example's rules and finds it in what the connector has
// sent, under the names that Prometheus makes of it.
func TestAlertRulesNameWhatIsSent(t *testing.T) {
	text, err := os.ReadFile("../../examples/sessiontrace/alerts.yaml")
	require.NoError(t, err)
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	known := sent(t)
	require.NotEmpty(t, file.Groups)
	for _, rule := range file.Groups[0].Rules {
		metrics := named(rule.Expr)
		require.NotEmpty(t, metrics, rule.Alert)
		for m, labels := range metrics {
			require.Contains(t, known, m, "%s: no such metric", rule.Alert)
			for _, l := range labels {
				require.Contains(t, known[m], l, "%s: %s has no such label", rule.Alert, m)
			}
		}
		for _, m := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(rule.Annotations["summary"], -1) {
			require.Contains(t, rule.Expr, m[1], "%s: its summary names a label that it sums away", rule.Alert)
		}
	}
}

var (
	selector = regexp.MustCompile(`([a-zA-Z_:][\w:]*)\{([^}]*)\}`)
	by       = regexp.MustCompile(`\bby \(([^)]*)\)`)
	matcher  = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)`)
	word     = regexp.MustCompile(`[a-zA-Z_:][\w:]*`)
	noise    = regexp.MustCompile(`\[[^]]*\]|offset \w+|\w+\s*\(|\b(?:and|or|unless)\b`)
)

// named reads the metrics off an expression, each with the labels that it must have: its own matchers', and those by which
// all is summed. What is left without labels, ranges, numbers and functions is a metric.
func named(expr string) map[string][]string {
	var common []string
	for _, m := range by.FindAllStringSubmatch(expr, -1) {
		common = append(common, word.FindAllString(m[1], -1)...)
	}
	expr = by.ReplaceAllString(expr, "")
	metrics := map[string][]string{}
	for _, m := range selector.FindAllStringSubmatch(expr, -1) {
		for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
			metrics[m[1]] = append(metrics[m[1]], l[1])
		}
	}
	rest := noise.ReplaceAllString(selector.ReplaceAllString(expr, " $1 "), " ")
	for _, m := range word.FindAllString(rest, -1) {
		metrics[m] = append(metrics[m], common...)
	}
	return metrics
}

// sent is every metric that the connector sends, with its labels, as Prometheus has them.
func sent(t *testing.T) map[string]map[string]bool {
	t.Helper()
	cfg := defaultConfig()
	cfg.Metrics.MaxSeries = 2
	r := newRig(t, cfg, nil)
	r.consume(t, history()...)
	for n := range 3 { // beyond the limit
		e := login(100 + n)
		e.Instance = fmt.Sprint("i", n)
		r.consume(t, e, logout(e, time.Minute), login(200+n))
		e = login(300 + n)
		e.Instance, e.Outcome, e.ErrorType = fmt.Sprint("j", n), session.OutcomeFailure, session.ErrorTimeout
		r.consume(t, e)
	}
	r.stop(t)
	known := map[string]map[string]bool{}
	for _, md := range r.points.AllMetrics() {
		for _, rm := range md.ResourceMetrics().All() {
			for _, m := range rm.ScopeMetrics().At(0).Metrics().All() {
				translate(t, m, known)
			}
		}
	}
	return known
}

func translate(t *testing.T, m pmetric.Metric, known map[string]map[string]bool) {
	t.Helper()
	kind, suffixes := otlptranslator.MetricType(otlptranslator.MetricTypeNonMonotonicCounter), []string{""}
	var attrs []pcommon.Map
	switch {
	case m.Type() == pmetric.MetricTypeHistogram:
		kind, suffixes = otlptranslator.MetricTypeHistogram, []string{"_bucket", "_sum", "_count"}
		for _, p := range m.Histogram().DataPoints().All() {
			attrs = append(attrs, p.Attributes())
		}
	default:
		if m.Sum().IsMonotonic() {
			kind = otlptranslator.MetricTypeMonotonicCounter
		}
		for _, p := range m.Sum().DataPoints().All() {
			attrs = append(attrs, p.Attributes())
		}
	}
	namer := otlptranslator.NewMetricNamer("", otlptranslator.UnderscoreEscapingWithSuffixes)
	name, err := namer.Build(otlptranslator.Metric{Name: m.Name(), Unit: m.Unit(), Type: kind})
	require.NoError(t, err)
	for _, suffix := range suffixes {
		labels := known[name+suffix]
		if labels == nil {
			labels = map[string]bool{"job": true, "instance": true} // of the resource
			known[name+suffix] = labels
		}
		if suffix == "_bucket" {
			labels["le"] = true
		}
		for _, a := range attrs {
			for key := range a.All() {
				label, err := (&otlptranslator.LabelNamer{}).Build(key)
				require.NoError(t, err)
				labels[label] = true
			}
		}
	}
}

// The reader of expressions finds what there is to check.
func TestNamed(t *testing.T) {
	require.Equal(t, map[string][]string{"a_total": {"x", "y", "job", "mode"}, "b_seconds": {"job", "mode"}, "c": {"job", "mode"}},
		named(`sum by (job, mode) (rate(a_total{x="1", y=~"b|c"}[5m] offset 1d)) > 0.5 * b_seconds and c == 0`))
}
