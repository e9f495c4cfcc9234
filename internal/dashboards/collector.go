package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

// The endings that Prometheus' names may have: the collector's own endpoint leaves them out unless it is set otherwise, OTLP into Prometheus adds them.
const (
	counterEnding = "(_total)?"
	secondsEnding = "(_seconds)?"
	bytesEnding   = "(_bytes)?"
	noEnding      = ""
)

// selectMetric selects a metric of the collector under either name, of the collectors that the reader has chosen; name is that of metadata.yaml.
func selectMetric(name, ending string) string {
	matcher := `__name__="otelcol_` + name + `"`
	if ending != noEnding {
		matcher = `__name__=~"otelcol_` + name + ending + `"`
	}
	return `{` + matcher + `,job=~"$job",instance=~"$instance"}`
}

// perSecond is the rate of a counter, summed by a label.
func perSecond(label, name string) string {
	return "sum by (" + label + ") (rate(" + selectMetric(name, counterEnding) + "[$__rate_interval]))"
}

// counterIncrease is what a counter has grown by, summed by a label; nothing where it has not.
func counterIncrease(label, name string) string {
	return "sum by (" + label + ") (increase(" + selectMetric(name, counterEnding) + "[$__rate_interval])) > 0"
}

// drawSeries draws an expression, each line under a name of Grafana's notation.
func drawSeries(refID, expr, legend string) cog.Builder[variants.Dataquery] {
	return prometheus.NewDataqueryBuilder().RefId(refID).EditorMode(prometheus.QueryEditorModeCode).Expr(expr).LegendFormat(legend).Range()
}

// allSeries draws several, with the letters that Grafana gives queries.
func allSeries(pairs ...string) (all []cog.Builder[variants.Dataquery]) {
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, drawSeries(string(rune('A'+i/2)), pairs[i], pairs[i+1]))
	}
	return all
}

// labelVariable lists the values of a label of the collectors.
func labelVariable(d dataSource, name, label, query string) *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder(name).Label(label).Datasource(d.reference()).
		Query(dashboard.StringOrMap{String: &query}).Definition(query).Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		IncludeAll(true).Multi(true).AllValue(".*").Current(dashboard.VariableOption{
		Text: dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}}, Value: dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}},
	})
}

func collectorDashboard() *dashboard.DashboardBuilder {
	d := dataSource{"prometheus", "Prometheus"}
	const anyCollector = `{__name__=~"otelcol_process_uptime(_seconds)?(_total)?"`
	lastRead := "time() - (max by (receiver) (" + selectMetric("receiver_sessionlog_last_success", secondsEnding) + ") > 0)"
	lastWritten := "time() - (max by (exporter) (" + selectMetric("exporter_sessionlog_last_success", secondsEnding) + ") > 0)"
	slowest := "histogram_quantile(0.95, sum by (exporter, le) (rate(" + selectMetric("exporter_sessionlog_write_duration", "(_seconds)?_bucket") + "[$__rate_interval])))"
	return d.newDashboard("sessionlog-collector-prometheus", "The collector (Prometheus)",
		"What sessionlog's collectors read, deliver, refuse and wait for.", "now-6h").
		WithVariable(labelVariable(d, "job", "Job", "label_values("+anyCollector+"}, job)")).
		WithVariable(labelVariable(d, "instance", "Collector", "label_values("+anyCollector+`,job=~"$job"}, instance)`)).
		WithPanel(d.numbers("Since a source was read and delivered completely", "Much more than its interval: it is not read, or not delivered.", 8,
			drawSeries("A", lastRead, "{{receiver}}")).Unit("s")).
		WithPanel(d.numbers("Since a backend took a batch", "Where nothing logs in this grows, too.", 8, drawSeries("A", lastWritten, "{{exporter}}")).Unit("s")).
		WithPanel(d.numbers("Lost, refused or kept aside in a day", "Rows that cannot be read, events that were refused for good, dead letters, conflicts.", 8, lostInADay())).
		WithPanel(d.chart("Read", "Events that the pipeline has accepted.", 12, allSeries(perSecond("receiver", "receiver_sessionlog_events"), "{{receiver}}",
			perSecond("receiver", "receiver_accepted_log_records"), "{{receiver}}, records of others")...).Unit("cps")).
		WithPanel(d.chart("Delivered", "Records that are new in the backend, and those that were there already.", 12, allSeries(
			perSecond("exporter", "exporter_sessionlog_written"), "{{exporter}}", perSecond("exporter", "exporter_sessionlog_duplicates"), "{{exporter}}, known already",
		)...).Unit("cps")).
		WithPanel(d.chart("Lag", "How far what was delivered is behind the source's clock.", 12, allSeries(
			"max by (receiver) ("+selectMetric("receiver_sessionlog_lag", secondsEnding)+")", "{{receiver}}",
			"max by (receiver) ("+selectMetric("receiver_sessionlog_backlog_time_to_go", secondsEnding)+") > 0", "{{receiver}}, backlog: time to go",
		)...).Unit("s")).
		WithPanel(d.chart("Backlog", "Rows of the source that are known and not read yet.", 12,
			drawSeries("A", "max by (receiver) ("+selectMetric("receiver_sessionlog_backlog_rows", noEnding)+")", "{{receiver}}"))).
		WithPanel(d.chart("Queue", "What waits for its backend, of what there is room for. At 1 senders have to wait.", 12, drawSeries("A",
			"max by (exporter, instance) ("+selectMetric("exporter_queue_size", noEnding)+" / on (job, instance, exporter, data_type) "+selectMetric("exporter_queue_capacity", noEnding)+")",
			"{{exporter}} of {{instance}}")).Unit("percentunit").AxisSoftMax(1)).
		WithPanel(d.chart("Time of a write", "95 of 100 batches were durable within.", 12, drawSeries("A", slowest, "{{exporter}}")).Unit("s")).
		WithPanel(d.bars("Dead letters", "Events and records that are on the disk in a dead letter.", 12, allSeries(
			counterIncrease("receiver", "receiver_sessionlog_dead_lettered_events"), "{{receiver}}", counterIncrease("exporter", "exporter_sessionlog_dead_lettered"), "{{exporter}}")...)).
		WithPanel(d.bars("Refused, left out", "What did not become a row. The README of each component says what each means.", 12, allSeries(
			counterIncrease("receiver", "receiver_sessionlog_refused_events"), "{{receiver}}: refused for good",
			counterIncrease("receiver", "receiver_sessionlog_bad_rows"), "{{receiver}}: cannot be read",
			counterIncrease("receiver", "receiver_sessionlog_vanished_rows"), "{{receiver}}: vanished from the source",
			counterIncrease("exporter", "exporter_sessionlog_rejected"), "{{exporter}}: can never be stored",
			counterIncrease("exporter", "exporter_sessionlog_conflicts"), "{{exporter}}: known id, other content",
			counterIncrease("exporter", "exporter_sessionlog_expired"), "{{exporter}}: older than ttl",
			counterIncrease("exporter", "exporter_sessionlog_left_out"), "{{exporter}}: no place in the shape",
			counterIncrease("exporter", "exporter_sessionlog_not_events"), "{{exporter}}: no authentication event",
			counterIncrease("exporter", "exporter_sessionlog_unknown_outcomes"), "{{exporter}}: outcome not known",
			counterIncrease("reason", "extension_sessionlog_limits_refused"), "requests: {{reason}}",
		)...)).
		WithPanel(d.bars("Faults that are tried again", "", 12, allSeries(
			counterIncrease("receiver", "receiver_sessionlog_failed_polls"), "{{receiver}}: source not read",
			counterIncrease("receiver", "receiver_refused_log_records"), "{{receiver}}: pipeline not ready",
			counterIncrease("exporter", "exporter_enqueue_failed_log_records"), "{{exporter}}: queue full",
			counterIncrease("exporter", "exporter_send_failed_log_records"), "{{exporter}}: not sent",
		)...)).
		WithPanel(d.chart("Memory", "", 12, allSeries(
			"max by (instance) ("+selectMetric("process_memory_rss", bytesEnding)+")", "{{instance}}: resident",
			"max by (instance) ("+selectMetric("process_runtime_heap_alloc_bytes", noEnding)+")", "{{instance}}: heap",
		)...).Unit("bytes")).
		WithPanel(d.chart("Processor", "Cores in use.", 12, drawSeries("A", perSecond("instance", "process_cpu_seconds"), "{{instance}}"))).
		WithPanel(d.bars("Traces and logins", "Of the connector sessiontrace, and of trace_correlation.", 12, allSeries(
			counterIncrease("evidence", "connector_sessiontrace_spans_enriched"), "spans given their login, by {{evidence}}",
			counterIncrease("receiver", "receiver_sessionlog_correlated_logins"), "{{receiver}}: logins tied to a trace",
			counterIncrease("connector", "connector_sessiontrace_dropped_updates"), "{{connector}}: updates lost",
		)...))
}

// lostInADay is one number of all that wants a look.
func lostInADay() cog.Builder[variants.Dataquery] {
	sum := ""
	for _, name := range []string{
		"receiver_sessionlog_bad_rows", "receiver_sessionlog_refused_events", "receiver_sessionlog_vanished_rows",
		"exporter_sessionlog_rejected", "exporter_sessionlog_conflicts",
	} {
		if sum != "" {
			sum += " + "
		}
		sum += "(sum(increase(" + selectMetric(name, counterEnding) + "[1d])) or vector(0))"
	}
	return prometheus.NewDataqueryBuilder().RefId("A").EditorMode(prometheus.QueryEditorModeCode).Expr(sum).LegendFormat("in a day").Instant()
}
