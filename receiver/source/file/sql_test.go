package file_test

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/logins"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// oddRows are what ordinary logins leave out: every text hostile, two rows alike, columns of servers to come.
const oddRows = `INSERT INTO default.log
SELECT 'ch-0' AS hostname, number % 3 AS type, generateUUIDv4() AS auth_id,
       toDateTime64('2026-11-21 22:00:39.455319', 6, 'UTC') + intDiv(number, 6) AS event_time_microseconds,
       [NULL, '', 'a\tb\'c\\d\n"e/\0\x1b[31m', '\\N', 'ᴺᵁᴸᴸ', '\xff\xfe', 'ü🔥'][number % 7 + 1] AS user,
       number % 12 AS auth_type, ['it''s', 'x"y'] AS profiles, [('a', 'b\nc')] AS settings, toIPv6('2001:db8::17') AS client_address,
       number % 9 + 1 AS interface, ['CN:é', 'SAN:*.example.net'] AS certificate_subjects,
       toDateTime64('2026-01-02 03:04:05', 0, 'UTC') AS certificate_not_before, 'curl/8' AS http_user_agent, ['p''q', 'r\ts'] AS later_list,
       18446744073709551615 AS later_number, [('default', 'k')] AS quotas
FROM numbers(60)`

const repeatedRows = `INSERT INTO default.log SELECT * FROM default.log WHERE hostname = 'ch-0' LIMIT 7`

func TestTheSameRowIsTheSameEventOverSQL(t *testing.T) {
	s := testengine.ClickHouse(t, testengine.LogsOnDemand(), testengine.Timezone("Asia/Kolkata"))
	client := logins.New(s.Native, s.HTTP)
	done, err := client.Mix(t.Context(), 60, 7, 4)
	client.Close()
	require.NoError(t, err)
	require.Len(t, done, 60)
	s.FlushLogs(t)
	s.Exec(t, "CREATE TABLE default.log AS system.session_log")
	s.Exec(t, "ALTER TABLE default.log ADD COLUMN quotas Array(Tuple(LowCardinality(String), LowCardinality(String))), "+
		"ADD COLUMN http_user_agent String, ADD COLUMN later_list Array(String), ADD COLUMN later_number UInt64, ADD COLUMN later_null Nullable(String)")
	names := strings.Join(columnsOf(t, s), ", ")
	s.Exec(t, "INSERT INTO default.log ("+names+") SELECT "+names+" FROM system.session_log")
	s.Exec(t, strings.Replace(oddRows, "default.log", "default.log (hostname, type, auth_id, event_time_microseconds, user, auth_type, profiles, settings, "+
		"client_address, interface, certificate_subjects, certificate_not_before, http_user_agent, later_list, later_number, quotas)", 1))
	s.Exec(t, repeatedRows)
	rows := s.Query(t, "SELECT toString(count()) FROM default.log")[0][0]

	want := overSQL(t, s, rows)
	for _, format := range []string{"JSONEachRow", "JSONCompactEachRowWithNames", "CSVWithNames", "TSVWithNames"} {
		path := filepath.Join(t.TempDir(), "export")
		write(t, path, exportOf(t, s, "SELECT * FROM default.log ORDER BY event_time_microseconds, auth_id, type FORMAT "+format))
		cfg := config(path)
		cfg.Timezone = "Asia/Kolkata"
		j := once(t, cfg, &sourcetest.Store{})
		require.Zero(t, j.stats.Counts().BadRows, format)
		require.Len(t, j.Delivered(), len(want), format)
		for _, e := range j.Delivered() {
			w, ok := want[e.RecordID]
			require.True(t, ok, "%s: no event over SQL has the id of\n%+v", format, e)
			require.Equal(t, w.SessionKey, e.SessionKey)
			require.True(t, sessiontest.SameContent(&w, &e), "%s:\n%+v\n%+v", format, w, e)
		}
	}
}

func columnsOf(t *testing.T, s *testengine.Server) (names []string) {
	for _, row := range s.Query(t, "SELECT name FROM system.columns WHERE database = 'system' AND table = 'session_log'") {
		names = append(names, row[0])
	}
	return names
}

func overSQL(t *testing.T, s *testengine.Server, rows string) map[session.ID]session.Event {
	t.Helper()
	cfg := clickhouse.DefaultConfig()
	cfg.Endpoints, cfg.Username, cfg.Password = []string{s.Native}, server.Admin.Name, configopaque.String(server.Admin.Password)
	cfg.Table, cfg.ExcludeSelf, cfg.CollectionInterval = "default.log", false, 10*time.Millisecond
	require.NoError(t, cfg.Validate())
	src, err := clickhouse.New(cfg, "warehouse", componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	j := newJob(t)
	j.begin(t, src, &sourcetest.Store{})
	n, err := strconv.Atoi(rows)
	require.NoError(t, err)
	await(t, "the table was not read", func() bool { return len(j.Delivered()) >= n })
	j.stop(t)
	events := map[session.ID]session.Event{}
	for _, e := range j.Delivered() {
		events[e.RecordID] = e
	}
	require.Len(t, events, n, "two rows share an id")
	return events
}

// exportOf gives an answer of the server as a client would save it.
func exportOf(t *testing.T, s *testengine.Server, sql string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.HTTP, strings.NewReader(sql))
	require.NoError(t, err)
	request.SetBasicAuth(server.Admin.Name, server.Admin.Password)
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, string(text))
	return string(text)
}
