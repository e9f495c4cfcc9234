package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"

	"github.com/otel-sessionlog/sessionlog/testengine"
)

// columns are those of system.session_log; on both sides a cell is compared as text.
var columns = []string{
	"hostname", "type", "auth_id", "session_id", "event_date", "event_time", "event_time_microseconds", "user", "auth_type",
	"profiles", "roles", "settings", "client_address", "client_port", "interface", "client_hostname", "client_name", "client_revision",
	"client_version_major", "client_version_minor", "client_version_patch", "failure_reason",
	"certificate_subjects", "certificate_serial", "certificate_issuer", "certificate_not_before", "certificate_not_after",
}

// asUTC says how ClickHouse is asked for a column, so that its answer does not depend on its zone.
var asUTC = map[string]string{
	"event_date": "toDate(event_time, 'UTC')", "event_time": "toString(event_time, 'UTC')",
	"event_time_microseconds": "toString(event_time_microseconds, 'UTC')",
	"profiles":                "toJSONString(profiles)", "roles": "toJSONString(roles)", "settings": "toJSONString(settings)",
	"certificate_subjects": "toJSONString(certificate_subjects)",
}

// watched leaves out whoever watches: the test engine and, but for logins from 127.0.0.9, the collector's own user.
const watched = " WHERE coalesce(user, '') <> 'testengine' AND (coalesce(user, '') <> 'audit' OR client_address = '::ffff:127.0.0.9')"

const null = "ᴺᵁᴸᴸ"

// truth is what the server has.
func truth(t *testing.T, s *testengine.Server) []string {
	t.Helper()
	s.FlushLogs(t)
	exprs := make([]string, len(columns))
	for i, c := range columns {
		exprs[i] = c
		if e := asUTC[c]; e != "" {
			exprs[i] = e
		}
	}
	return normal(t, s.Query(t, "SELECT "+strings.Join(exprs, ", ")+" FROM system.session_log"+
		strings.Replace(watched, "'::ffff:127.0.0.9'", "toIPv6('127.0.0.9')", 1)))
}

// stored is what our table has, by its view session_log. A database that is not there yet, or not ready, is empty.
func stored(t *testing.T, file string) []string {
	t.Helper()
	return normal(t, query(t, file, "SELECT "+strings.Join(columns, ", ")+" FROM session_log"+watched))
}

// countRows is for those who ask often: how many rows the table has, or the view, of what comes behind its name.
func countRows(t *testing.T, file, table string) int {
	t.Helper()
	rows := query(t, file, "SELECT count(*) FROM "+table)
	if len(rows) == 0 {
		return 0
	}
	n, err := strconv.Atoi(rows[0][0])
	require.NoError(t, err)
	return n
}

func query(t testing.TB, file, sql string) (rows [][]string) {
	t.Helper()
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	conn, err := sqlite.OpenConn(file, sqlite.OpenReadOnly)
	if err != nil {
		return nil
	}
	defer conn.Close()
	stmt, err := conn.Prepare(sql)
	if err != nil {
		require.ErrorContains(t, err, "no such table")
		return nil
	}
	for {
		more, err := stmt.Step()
		require.NoError(t, err)
		if !more {
			return rows
		}
		row := make([]string, stmt.ColumnCount())
		for i := range row {
			if row[i] = stmt.ColumnText(i); stmt.ColumnType(i) == sqlite.TypeNull {
				row[i] = null
			}
		}
		rows = append(rows, row)
	}
}

// normal makes one text of each row, JSON cells spelled alike, and sorts them.
func normal(t *testing.T, rows [][]string) []string {
	t.Helper()
	texts := make([]string, len(rows))
	for i, row := range rows {
		var b strings.Builder
		for j, cell := range row {
			if strings.HasPrefix(cell, "[") && strings.HasPrefix(asUTC[columns[j]], "toJSON") {
				cell = respell(t, cell)
			}
			b.WriteString(columns[j] + "=" + cell + "\n")
		}
		texts[i] = b.String()
	}
	slices.Sort(texts)
	return texts
}

func respell(t *testing.T, text string) string {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(text), &v), text)
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}
