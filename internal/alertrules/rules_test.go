// Package alertrules runs the example's alert rules in Prometheus' own engine. It is a module of its own, so that nothing of Prometheus
// is a dependency of the collector components.
package alertrules

import (
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
	"github.com/stretchr/testify/require"

	prom "github.com/prometheus/common/model"
)

const (
	loginRules     = "../../examples/sessiontrace/alerts.yaml"
	collectorRules = "../../dashboards/alerts-collector.yaml"
)

// lookback is how old a sample may be that an expression takes for one of now.
const lookback = 5 * time.Minute

// TestAlerts: every alert fires for the series that it is for, when it should, and for none that are well.
func TestAlerts(t *testing.T) {
	p := parser.NewParser(parser.Options{})
	for _, rule := range allRules(t, loginRules, collectorRules) {
		require.NotEmpty(t, cases[rule.Alert], "%s: no series", rule.Alert)
		for _, c := range cases[rule.Alert] {
			t.Run(rule.Alert+"/"+c.name, func(t *testing.T) {
				expr, err := p.ParseExpr(rule.Expr)
				require.NoError(t, err)
				alert := rules.NewAlertingRule(rule.Alert, expr, time.Duration(rule.For), 0, labels.FromMap(rule.Labels), labels.FromMap(rule.Annotations),
					labels.EmptyLabels(), "", true, slog.New(slog.DiscardHandler))
				require.Equal(t, c.fires, fires(t, alert, c.series, reachOf(expr)))
			})
		}
	}
}

func allRules(t *testing.T, files ...string) (all []rulefmt.Rule) {
	for _, name := range files {
		file, errs := rulefmt.ParseFile(name, false, prom.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
		require.Empty(t, errs)
		require.Len(t, file.Groups, 1)
		all = append(all, file.Groups[0].Rules...)
	}
	return all
}

// reachOf is how far back an expression looks at most.
func reachOf(expr parser.Expr) (reach time.Duration) {
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			reach += n.OriginalOffset + lookback
		case *parser.MatrixSelector:
			reach += n.Range
		case *parser.SubqueryExpr:
			reach += n.Range + n.OriginalOffset
		}
		return nil
	})
	return reach
}

// fires evaluates the alert every minute for as long as there is something that it sees, at most 26 hours, and tells in which it fires.
func fires(t *testing.T, alert *rules.AlertingRule, series string, reach time.Duration) (at span) {
	load := "load 1m"
	for line := range strings.Lines(strings.TrimSpace(series)) {
		load += "\n  " + strings.TrimSpace(line)
	}
	storage := promqltest.LoadedStorage(t, load)
	defer storage.Close()
	query := rules.EngineQueryFunc(promqltest.NewTestEngine(t, false, 0, 1_000_000), storage)
	seen := time.UnixMilli(storage.Head().MaxTime()).Add(reach)
	for minute := 1; minute <= min(26*60, int(seen.Unix()/60)+1); minute++ {
		_, err := alert.Eval(t.Context(), 0, time.Unix(int64(minute)*60, 0), query, &url.URL{}, 0)
		require.NoError(t, err)
		if slices.ContainsFunc(alert.ActiveAlerts(), func(a *rules.Alert) bool { return a.State == rules.StateFiring }) {
			if at.last = minute; at.first == 0 {
				at.first = minute
			}
		}
	}
	return at
}
