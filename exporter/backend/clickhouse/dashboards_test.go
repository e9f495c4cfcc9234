package clickhouse

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/testengine"
)

// dashboards: every query of Grafana's dashboards gives rows to the account that docs/dashboards.md makes, and reads the chosen span of time alone.
func dashboards(t *testing.T, server *testengine.Server) {
	cfg := testConfig(t, server, "native")
	cfg.Database = grafanaDatabase
	const events, step = 60_000, time.Minute
	write1(t, startStore(t, cfg), backendtest.DashboardEvents(events, step))
	for _, file := range []string{"logins-clickhouse.json", "one-user-clickhouse.json"} {
		d := backendtest.Dashboard{File: file, Macros: pluginMacros(time.Now().Add(-24*time.Hour), time.Now()), AllValue: "~"}
		for _, chosen := range d.Choices() {
			for _, q := range d.Queries(t, chosen) {
				lines, read := askAsGrafana(t, server, cfg.Database, q.SQL)
				require.NotEmpty(t, lines, "%s: %s\n%s", file, q.Title, q.SQL)
				bound := events / 2
				if strings.Contains(q.SQL, "open_sessions") { // whatever the span of time
					bound = openSessionsScans * dayRows
				}
				require.LessOrEqual(t, read, bound, "%s: %s reads more than its span of time\n%s", file, q.Title, q.SQL)
				if strings.HasSuffix(q.Title, "in this span of time") && chosen["user"] == backendtest.HostileDashboardUser {
					require.Regexp(t, `^1\t1\t`, lines[0], q.SQL)
				}
			}
		}
	}
}

const (
	openSessionsScans = 3      // of the records of the last day, by the view: those without an end, what describes them, and those that began before
	dayRows           = 18_000 // that the server reads for a day: two granules, and the rest of a part
)

// grafanaDatabase is the one that docs/dashboards.md lets the account read.
const grafanaDatabase = "audit"

// grafanaMay gives the account grafana what docs/dashboards.md says, and nothing else.
func grafanaMay(t *testing.T) testengine.Option {
	xml := ""
	for i, statement := range backendtest.DocumentedAccount(t, "ClickHouse") {
		if i == 0 {
			require.Equal(t, "CREATE USER grafana IDENTIFIED WITH sha256_password BY '…' SETTINGS readonly = 2", statement)
			continue
		}
		grant, found := strings.CutSuffix(statement, " TO grafana")
		require.True(t, found, statement)
		xml += "<query>" + grant + "</query>"
	}
	return testengine.Users("<profiles><grafana><readonly>2</readonly></grafana></profiles><users><grafana><password>secret</password><networks><ip>::/0</ip></networks>" +
		"<profile>grafana</profile><quota>default</quota><grants>" + xml + "</grants></grafana></users>")
}

// pluginMacros are those of the plugin grafana-clickhouse-datasource, as its README has them.
func pluginMacros(from, to time.Time) map[string]func([]string) string {
	return map[string]func([]string) string{
		"timeFilter": func(a []string) string {
			return fmt.Sprintf("%s >= toDateTime(%d) AND %s <= toDateTime(%d)", a[0], from.Unix(), a[0], to.Unix())
		},
		"timeInterval": func(a []string) string {
			return fmt.Sprintf("toStartOfInterval(toDateTime(%s), INTERVAL 60 second)", a[0])
		},
	}
}

// askAsGrafana gives the lines of the answer, and how many rows the server has read for it.
func askAsGrafana(t *testing.T, s *testengine.Server, database, sql string) (lines []string, read int) {
	t.Helper()
	target := url.URL{Scheme: "http", Host: s.HTTP, RawQuery: url.Values{"database": {database}, "default_format": {"TSV"}, "wait_end_of_query": {"1"}}.Encode()}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target.String(), strings.NewReader(sql))
	require.NoError(t, err)
	request.SetBasicAuth("grafana", "secret")
	response, err := client.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, "%s\n%s", sql, body)
	var summary struct {
		Rows int `json:"read_rows,string"`
	}
	require.NoError(t, json.Unmarshal([]byte(response.Header.Get("X-ClickHouse-Summary")), &summary))
	if len(body) == 0 {
		return nil, summary.Rows
	}
	return strings.Split(strings.TrimSuffix(string(body), "\n"), "\n"), summary.Rows
}
