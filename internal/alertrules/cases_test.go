package alertrules

// span is the first and the last minute in which an alert fires, 0 for never.
type span struct{ first, last int }

// cases are series in the notation of promtool, a value a minute from minute 0 on: 0x10 is 0 eleven times, 60+60x3 is 60, 120, 180, 240, and _x10
// nothing for ten minutes.
var cases = map[string][]struct {
	name, series string
	fires        span
}{
	"LoginFailures": {
		{"two a second from minute 11 to 30", `sessionlog_logins_total{job="db",sessionlog_outcome="failure"} 0x10 120+120x19 2400x30`, span{18, 31}},
		{"two a second for four minutes", `sessionlog_logins_total{job="db",sessionlog_outcome="failure"} 0x10 120+120x3 480x30`, span{}},
		{"as many successes", `sessionlog_logins_total{job="db",sessionlog_outcome="success"} 0+120x60`, span{}},
	},
	"MostLoginsFail": {
		{"three of four, two a minute", `
			sessionlog_logins_total{job="db",sessionlog_outcome="failure"} 0x10 3+3x20 63x30
			sessionlog_logins_total{job="db",sessionlog_outcome="success"} 0x10 1+1x20 21x30`, span{14, 41}},
		{"a third", `
			sessionlog_logins_total{job="db",sessionlog_outcome="failure"} 0+3x60
			sessionlog_logins_total{job="db",sessionlog_outcome="success"} 0+6x60`, span{}},
		{"all of five", `sessionlog_logins_total{job="db",sessionlog_outcome="failure"} 0x10 1+1x4 5x30`, span{}},
	},
	"AuthenticatorBroken": {
		{"the very first failure of its kind", `sessionlog_logins_total{job="db",error_type="timeout"} _x10 1x60`, span{10, 14}},
		{"the first, and one more ten minutes later", `sessionlog_logins_total{job="db",error_type="provider_unavailable"} 7x10 8x60`, span{1, 14}},
		{"wrong passwords", `sessionlog_logins_total{job="db",error_type="invalid_credentials"} _x10 1+1x60`, span{}},
	},
	"LoginsWithoutPassword": {
		{"the very first one", `sessionlog_logins_total{job="db",sessionlog_outcome="success",sessionlog_auth_method="none"} _x10 1x200`, span{10, 69}},
		{"the first, and one more later", `sessionlog_logins_total{job="db",sessionlog_outcome="success",sessionlog_auth_method="none"} 7x100 8x200`, span{1, 159}},
		{"refused", `sessionlog_logins_total{job="db",sessionlog_outcome="failure",sessionlog_auth_method="none"} _x10 1+1x60`, span{}},
	},
	"NoLogins": {
		{"silence after a day of one a minute", `sessionlog_logins_total{job="db",sessionlog_outcome="success"} 0+1x1440 1440x120`, span{1469, 1560}},
		{"a collector that is gone", `sessionlog_logins_total{job="db",sessionlog_outcome="success"} 0+1x1440`, span{1469, 1560}},
		{"a collector that was away for a while", `sessionlog_logins_total{job="db",sessionlog_outcome="success"} 0+1x1440 _x10 0+1x120`, span{}},
		{"as always", `sessionlog_logins_total{job="db",sessionlog_outcome="success"} 0+1x1600`, span{}},
		{"silent yesterday too", `sessionlog_logins_total{job="db",sessionlog_outcome="success"} 0x1600`, span{}},
	},
	"ManyOpenSessions": {
		{"for long", `sessionlog_session_open{job="db"} 100x9 501x29 100x20`, span{20, 39}},
		{"for nine minutes", `sessionlog_session_open{job="db"} 100x9 501x8 100x20`, span{}},
		{"of two systems on one server", `
			sessionlog_session_open{job="db",instance="a",x="1"} 300x20
			sessionlog_session_open{job="db",instance="a",x="2"} 300x20`, span{11, 24}},
	},
	"ShortSessions": {
		{"20 a second", `
			sessionlog_session_duration_seconds_bucket{job="db",le="0.1"} 0+1200x60
			sessionlog_session_duration_seconds_count{job="db"} 0+1200x60`, span{16, 65}},
		{"half of them", `
			sessionlog_session_duration_seconds_bucket{job="db",le="0.1"} 0+600x60
			sessionlog_session_duration_seconds_count{job="db"} 0+1200x60`, span{}},
		{"one a second", `
			sessionlog_session_duration_seconds_bucket{job="db",le="0.1"} 0+60x60
			sessionlog_session_duration_seconds_count{job="db"} 0+60x60`, span{}},
	},
	"TooManySeries": {
		{"the first that did not fit", `sessionlog_logins_total{job="db",otel_metric_overflow="true"} _x10 1x60`, span{10, 24}},
		{"none", `sessionlog_logins_total{job="db",sessionlog_outcome="success"} 0+1x60`, span{}},
	},
	"SourceNotRead": {
		{"away from minute 10 on", `otelcol_receiver_sessionlog_last_success{job="c",receiver="sessionlog/a"} 0+60x10 600x60`, span{31, 75}},
		{"read every minute", `otelcol_receiver_sessionlog_last_success_seconds{job="c",receiver="sessionlog/a"} 0+60x60`, span{}},
		{"away for ten minutes", `otelcol_receiver_sessionlog_last_success{job="c",receiver="sessionlog/a"} 0+60x10 600x10 1260+60x40`, span{}},
	},
	"SourceBehind": {
		{"for an hour", `otelcol_receiver_sessionlog_lag_seconds{job="c",receiver="sessionlog/a"} 5x9 3600x60 5x60`, span{25, 70}},
		{"for ten minutes", `otelcol_receiver_sessionlog_lag{job="c",receiver="sessionlog/a"} 5x9 3600x9 5x60`, span{}},
	},
	"HistoryLost": {
		{"an hour of it", `otelcol_receiver_sessionlog_lost_history{job="c",receiver="sessionlog/a"} 0x9 3600x10`, span{10, 24}},
		{"none", `otelcol_receiver_sessionlog_lost_history{job="c",receiver="sessionlog/a"} 0x60`, span{}},
	},
	"DeadLetters": {
		{"the very first one, of an exporter", `otelcol_exporter_sessionlog_dead_lettered_total{job="c",exporter="sessionlog"} _x10 1x60`, span{10, 24}},
		{"one more, of a receiver", `otelcol_receiver_sessionlog_dead_lettered_events{job="c",receiver="sessionlog/a"} 7x30 8x60`, span{1, 44}},
		{"none", `otelcol_exporter_sessionlog_dead_lettered{job="c",exporter="sessionlog"} 0x60`, span{}},
	},
	"RecordsRefused": {
		{"a row that cannot be read", `otelcol_receiver_sessionlog_bad_rows{job="c",receiver="sessionlog/a"} _x10 1x60`, span{10, 24}},
		{"a known id with other content", `otelcol_exporter_sessionlog_conflicts_total{job="c",exporter="sessionlog"} 0x10 1x60`, span{11, 24}},
		{"duplicates are well", `otelcol_exporter_sessionlog_duplicates{job="c",exporter="sessionlog"} 0+60x60`, span{}},
	},
	"SealAlarm": {
		{"the very first one", `otelcol_exporter_sessionlog_seal_alarms_total{job="c",exporter="sessionlog"} _x10 1x60`, span{10, 69}},
		{"none", `otelcol_exporter_sessionlog_seal_alarms{job="c",exporter="sessionlog"} 0x60`, span{}},
	},
	"SealsBehind": {
		{"since a minute", `otelcol_exporter_sessionlog_seal_last_seconds{job="c",exporter="sessionlog"} 60x60`, span{37, 64}},
		{"never", `otelcol_exporter_sessionlog_seal_last{job="c",exporter="sessionlog"} 0+60x60`, span{}},
	},
	"BackendAway": {
		{"from minute 11 to 40", `
			otelcol_exporter_sessionlog_write_duration_seconds_count{job="c",exporter="sessionlog",outcome="success"} 0+60x10 600x29 660+60x60
			otelcol_exporter_sessionlog_write_duration_seconds_count{job="c",exporter="sessionlog",outcome="failure"} 0x10 1+1x29 30x60`, span{24, 40}},
		{"a failure among successes", `
			otelcol_exporter_sessionlog_write_duration_count{job="c",exporter="sessionlog",outcome="success"} 0+60x60
			otelcol_exporter_sessionlog_write_duration_count{job="c",exporter="sessionlog",outcome="failure"} 0x10 1x50`, span{}},
	},
	"QueueFull": {
		{"for half an hour", `
			otelcol_exporter_queue_size{job="c",exporter="sessionlog",data_type="logs"} 0x9 95x30 0x30
			otelcol_exporter_queue_capacity{job="c",exporter="sessionlog",data_type="logs"} 100x70`, span{20, 40}},
		{"half full", `
			otelcol_exporter_queue_size{job="c",exporter="sessionlog",data_type="logs"} 50x60
			otelcol_exporter_queue_capacity{job="c",exporter="sessionlog",data_type="logs"} 100x60`, span{}},
	},
	"FindingsNotAsked": {
		{"from minute 10 on", `otelcol_receiver_sessionlog_findings_last_success{job="c",receiver="sessionlog_findings"} 0+60x10 600x60`, span{31, 75}},
		{"every minute", `otelcol_receiver_sessionlog_findings_last_success_seconds{job="c",receiver="sessionlog_findings"} 0+60x60`, span{}},
	},
}
