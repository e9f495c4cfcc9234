package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBadInputCostsNoGoodRow sends what hostile clients and torn files hold through the whole collector.
func TestBadInputCostsNoGoodRow(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-typed-into-the-user-field"
	users := []string{strings.Repeat("x", 10<<20), "nul\x00inside", "\x1b]0;owned\x07", "\u202etxt.exe", "Robert'); DROP TABLE session_events;--", "", " \t\n"}
	var lines []string
	for i, user := range users {
		lines = append(lines, exportLine(t, i, "2026-11-21 22:00:39.4553", user))
	}
	lines = append(lines,
		`{"hostname":"ch-0","type":"LoginFailure","user":"`+secret, // torn
		strings.Replace(exportLine(t, 90, "2026-11-21 22:00:39.4553", secret), "LoginFailure", "LoginMaybe", 1),
		exportLine(t, 91, "1970-01-01 00:00:00.0000", "at the beginning of time"),
		exportLine(t, 92, "2026-11-21 22:00:40.0000", "the last good one"))

	col := newCollector(t, `  sessionlog:
    file: {include: ['$DIR/in/*.jsonl'], timezone: UTC}
    instance: e2e
    storage: file_storage
    dead_letter: {directory: '$DIR/dead_letter'}
`, "sessionlog")
	require.NoError(t, os.Mkdir(filepath.Join(col.dir, "in"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(col.dir, "in", "export.jsonl"), []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	col.start(t)
	want := append(users, "at the beginning of time", "the last good one")
	require.Eventually(t, func() bool { return countRows(t, col.database(), "session_events") >= len(want) }, arrival, quick)
	col.stop(t)
	got := query(t, col.database(), "SELECT CAST(user AS BLOB), event_time FROM session_log")

	var names []string
	for _, row := range got {
		names = append(names, row[0])
	}
	require.True(t, sameTexts(want, names), "a name was changed or lost")
	require.Len(t, query(t, col.database(), "SELECT 1 FROM session_log WHERE event_time = '1970-01-01 00:00:00'"), 1)
	log := col.log.String()
	require.Contains(t, log, "export.jsonl:", "the place of a bad row: file and offset")
	require.NotContains(t, log, secret, "no user text in a log of ours")
	require.NotContains(t, log, "\x1b]0;owned")
}

// exportLine is one row of an export, as JSONEachRow has it.
func exportLine(t *testing.T, n int, time, user string) string {
	t.Helper()
	name, err := json.Marshal(user)
	require.NoError(t, err)
	return fmt.Sprintf(`{"hostname":"ch-0","type":"LoginFailure","auth_id":"94d22223-5d67-41ef-a59e-48c95812a9%02d","session_id":"",`+
		`"event_date":"2026-11-21","event_time":"%s","event_time_microseconds":"%s%02d","user":%s,"auth_type":"NO_PASSWORD",`+
		`"client_address":"::ffff:10.0.0.7","client_port":50000,"interface":"TCP","failure_reason":"Authentication failed"}`,
		n, time[:19], time, n, name)
}

func sameTexts(want, got []string) bool {
	left := map[string]int{}
	for _, s := range want {
		left[s]++
	}
	for _, s := range got {
		left[s]--
	}
	for _, n := range left {
		if n != 0 {
			return false
		}
	}
	return len(want) == len(got)
}

// TestAMistakeInTheConfigurationIsNamed: validate says which key, and what to write.
func TestAMistakeInTheConfigurationIsNamed(t *testing.T) {
	for mistake, says := range map[string]string{
		"clickhouse: {endpoints: ['clickhouse://ch:9000'], usrname: audit}": "usrname",
		"clickhouse: {username: audit}":                                     "endpoints",
		"clickhouse: {endpoints: ['tcp://ch:9000']}":                        "tcp",
		"file: {include: [x.jsonl], timezone: Mars/Olympus}":                "timezone",
		"instance: lonely": "clickhouse",
	} {
		col := newCollector(t, "  sessionlog:\n    "+mistake+"\n", "sessionlog")
		out, err := col.validate(t)
		require.Error(t, err, mistake)
		require.Contains(t, out, says, mistake)
	}
}
