//go:build linux

package main

// pipeline is a way from a source into a sink, for our collector and for what a user would take in its place.
type pipeline struct {
	name    string
	starred bool   // runs where no names are given
	input   string // one of input.Formats, "" where the source makes rows of its own
	source  string // a file, a server of sourceStarts, or one of senders
	sink    string // a key of sinks, or nop
	ways    []way
}

// way is who runs the pipeline and how.
type way struct {
	system  string   // sessionlog, contrib or by-hand
	configs []string // a collector each; the last one's counter is watched
	counter string   // of the metrics of the last collector: rows that have arrived
	found   string   // the question that counts them in the sink; none where the counter is all there is
	lines   bool     // makes a record of each line, whether it tells an event or not
}

const (
	ours     = "sessionlog"
	peers    = "contrib"
	byHand   = "by-hand" // what bench/byhand does, which reads no configuration
	visited  = "visited" // ours, while somebody clicks in the explorer's views of what it writes
	sealed   = "sealed"  // ours, with seals of what it writes
	accepted = "otelcol_receiver_accepted_log_records"
	sent     = "otelcol_exporter_sent_log_records"
	written  = "otelcol_exporter_sessionlog_written" // without what came twice

	countEvents = "SELECT count(*) FROM session_events"
	countAudit  = "SELECT count() FROM audit.session_events"
	countLogs   = "SELECT count() FROM default.otel_logs"
)

// pipelines are all there are, in the order in which they run.
var pipelines = []pipeline{
	{name: "json-nop", starred: true, input: "JSONEachRow", source: "file", sink: "nop", ways: []way{
		{system: ours, configs: []string{"file-nop"}, counter: accepted},
		{system: peers, configs: []string{"peer-file-nop"}, counter: accepted, lines: true},
		{system: byHand, configs: []string{"file-nop"}, counter: accepted},
	}},
	{name: "json-sqlite", starred: true, input: "JSONEachRow", source: "file", sink: "sqlite", ways: []way{
		{system: ours, configs: []string{"file-sqlite"}, counter: written, found: countEvents},
		{system: visited, configs: []string{"file-sqlite"}, counter: written, found: countEvents},
		{system: sealed, configs: []string{"file-sqlite"}, counter: written, found: countEvents},
	}},
	{name: "json-file", input: "JSONEachRow", source: "file", sink: "file", ways: []way{
		{system: peers, configs: []string{"peer-file-file"}, counter: sent, found: `"timeUnixNano"`, lines: true},
	}},
	{name: "json-clickhouse", starred: true, input: "JSONEachRow", source: "file", sink: "clickhouse", ways: []way{
		{system: ours, configs: []string{"file-clickhouse"}, counter: written, found: countAudit},
		{system: sealed, configs: []string{"file-clickhouse"}, counter: written, found: countAudit},
		{system: peers, configs: []string{"peer-file-clickhouse"}, counter: sent, found: countLogs, lines: true},
	}},
	{name: "json-postgresql", starred: true, input: "JSONEachRow", source: "file", sink: "postgresql", ways: []way{
		{system: ours, configs: []string{"file-postgresql"}, counter: written, found: countEvents},
		{system: sealed, configs: []string{"file-postgresql"}, counter: written, found: countEvents},
	}},
	{name: "json-otlp-clickhouse", starred: true, input: "JSONEachRow", source: "file", sink: "clickhouse", ways: []way{
		{system: ours, configs: []string{"file-otlp", "otlp-clickhouse"}, counter: written, found: countAudit},
		{system: peers, configs: []string{"peer-file-otlp", "peer-otlp-clickhouse"}, counter: sent, found: countLogs, lines: true},
	}},
	{name: "jsonlog-nop", input: "jsonlog", source: "file", sink: "nop", ways: []way{
		{system: ours, configs: []string{"file-nop"}, counter: accepted},
		{system: peers, configs: []string{"peer-jsonlog-nop"}, counter: accepted, lines: true},
	}},
	{name: "csvlog-nop", input: "csvlog", source: "file", sink: "nop", ways: []way{
		{system: ours, configs: []string{"file-nop"}, counter: accepted},
	}},
	{name: "stderr-nop", input: "stderr", source: "file", sink: "nop", ways: []way{
		{system: ours, configs: []string{"stderr-nop"}, counter: accepted},
	}},
	{name: "connectionlog-nop", input: "connectionlog", source: "file", sink: "nop", ways: []way{
		{system: ours, configs: []string{"file-nop"}, counter: accepted},
		{system: peers, configs: []string{"peer-connectionlog-nop"}, counter: accepted, lines: true},
	}},
	{name: "clickhouse-nop", input: "JSONEachRow", source: "clickhouse", sink: "nop", ways: []way{
		{system: ours, configs: []string{"clickhouse-nop"}, counter: accepted},
		{system: peers, configs: []string{"peer-clickhouse-nop"}, counter: accepted, lines: true},
	}},
	{name: "clickhouse-sqlite", input: "JSONEachRow", source: "clickhouse", sink: "sqlite", ways: []way{
		{system: ours, configs: []string{"clickhouse-sqlite"}, counter: written, found: countEvents},
	}},
	{name: "clickhouse-clickhouse", input: "JSONEachRow", source: "clickhouse", sink: "clickhouse", ways: []way{
		{system: ours, configs: []string{"clickhouse-clickhouse"}, counter: written, found: countAudit},
		{system: peers, configs: []string{"peer-clickhouse-clickhouse"}, counter: sent, found: countLogs, lines: true},
	}},
	{name: "redshift-nop", source: "redshift", sink: "nop", ways: []way{
		{system: ours, configs: []string{"redshift-nop"}, counter: accepted},
		{system: peers, configs: []string{"peer-redshift-nop"}, counter: accepted},
	}},
	{name: "clickhouse-traces-nop", input: "JSONEachRow", source: "traces", sink: "nop", ways: []way{
		{system: ours, configs: []string{"clickhouse-traces-nop"}, counter: accepted},
	}},
	{name: "clickhouse-traces-sqlite", input: "JSONEachRow", source: "traces", sink: "sqlite", ways: []way{
		{system: ours, configs: []string{"clickhouse-traces-sqlite"}, counter: written, found: countEvents},
	}},
	{name: "redshift-postgresql", source: "redshift", sink: "postgresql", ways: []way{
		{system: ours, configs: []string{"redshift-postgresql"}, counter: written, found: countEvents},
	}},
	{name: "otlp-sqlite", input: "push", source: "otlp", sink: "sqlite", ways: []way{
		{system: ours, configs: []string{"otlp-sqlite"}, counter: written, found: countEvents},
	}},
	{name: "otlp-clickhouse", input: "push", source: "otlp", sink: "clickhouse", ways: []way{
		{system: ours, configs: []string{"otlp-clickhouse"}, counter: written, found: countAudit},
		{system: peers, configs: []string{"peer-otlp-clickhouse"}, counter: sent, found: countLogs},
	}},
	{name: "otlp-postgresql", input: "push", source: "otlp", sink: "postgresql", ways: []way{
		{system: ours, configs: []string{"otlp-postgresql"}, counter: written, found: countEvents},
	}},
	{name: "push-sqlite", input: "push", source: "http", sink: "sqlite", ways: []way{
		{system: ours, configs: []string{"push-sqlite"}, counter: written, found: countEvents},
	}},
	{name: "push-file", input: "push", source: "http", sink: "file", ways: []way{
		{system: peers, configs: []string{"peer-push-file"}, counter: sent, found: `"observedTimeUnixNano"`},
	}},
	{name: "idle", source: idleSource, ways: []way{
		{system: ours, configs: []string{"idle"}},
	}},
}
