package postgreslog_test

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/postgreslog"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// operatorColumns are csvlog's columns as CloudNativePG names them.
var operatorColumns = []string{
	"log_time", "user_name", "database_name", "process_id", "connection_from", "session_id", "session_line_num", "command_tag", "session_start_time",
	"virtual_transaction_id", "transaction_id", "error_severity", "sql_state_code", "message", "detail", "hint", "internal_query", "internal_query_pos",
	"context", "query", "query_pos", "location", "application_name", "backend_type", "leader_pid", "query_id",
}

const operatorStart = `{"level":"info","ts":"2026-11-21T21:47:39.1Z","logger":"instance-manager","msg":"Starting workers","controller":"x","Cluster":{"name":"db"},"worker count":1,"logging_pod":"db-1"}` + "\n"

// operatorLog writes a csvlog as CloudNativePG does: without the empty columns, among lines of its own.
func operatorLog(t *testing.T, csvText string) string {
	r := csv.NewReader(strings.NewReader(csvText))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	require.NoError(t, err)
	text := operatorStart
	for _, row := range rows {
		record := map[string]string{}
		for i, value := range row {
			if value != "" {
				record[operatorColumns[i]] = value
			}
		}
		line, err := json.Marshal(map[string]any{"level": "info", "ts": "2026-11-21T21:47:39.2Z", "logger": "postgres", "msg": "record", "logging_pod": "db-1", "record": record})
		require.NoError(t, err)
		text += string(line) + "\n"
	}
	text += `{"level":"info","ts":1,"msg":"Readiness probe failing","logging_pod":"db-1","err":"instance is not ready yet"}` + "\n"
	return text + `{"level":"info","ts":1,"logger":"pgaudit","msg":"record","record":{"log_time":"x","audit":{"statement":"s"}}}` + "\n"
}

func TestCloudNativePGHasTheEventsOfItsCSVLog(t *testing.T) {
	csvText := strings.ToValidUTF8(content(t, "18", "log.csv"), "?")
	want, _ := parse(t, newTextParser(t, "csvlog", options()), csvText)
	text := operatorLog(t, csvText)
	f, verdict := logformat.Detect(postgreslog.Formats(), []byte(text[len(operatorStart):]), true)
	require.Equal(t, logformat.VerdictYes, verdict)
	require.Equal(t, "jsonlog", f.Name)
	got, bad := parse(t, newTextParser(t, "jsonlog", options()), text)
	require.Empty(t, bad)
	require.Greater(t, len(want), 20)
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, want[i].RecordID, got[i].RecordID)
		require.True(t, sessiontest.SameContent(&want[i], &got[i]), "%+v\n%+v", want[i], got[i])
	}
}

func TestTornLineOfCloudNativePGIsCounted(t *testing.T) {
	line := strings.Split(operatorLog(t, content(t, "18", "log.csv")), "\n")[1]
	for _, torn := range []string{line[:len(line)/2], strings.Replace(line, `"record":{`, `"record":[`, 1)} {
		_, bad := parse(t, newTextParser(t, "jsonlog", options()), torn+"\n")
		require.Len(t, bad, 1, torn)
	}
}
