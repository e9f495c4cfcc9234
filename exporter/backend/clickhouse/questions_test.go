package clickhouse

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/proof"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// What make bench-questions says: how many events, and the file that the results are appended to.
const (
	envEvents  = "SESSIONLOG_QUESTIONS_EVENTS"
	envResults = "SESSIONLOG_QUESTIONS_RESULTS"
)

// asked is what one question cost.
type asked struct {
	milliseconds  float64
	rows, bytes   uint64
	rowsDelivered uint64
}

// BenchmarkQuestions asks the questions of README.md of a year of events that the server makes itself, in the tables as they are, and
// asks the same of contrib's otel_logs with the same events.
func BenchmarkQuestions(b *testing.B) {
	events, commit := 200_000, proof.Commit(b.Context())
	if text := os.Getenv(envEvents); text != "" {
		var err error
		events, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	require.GreaterOrEqual(b, events, 100_000, "%s: a year of fewer has no answers", envEvents)
	ch := testengine.ClickHouse(b, testengine.LogsOnDemand(), testengine.ConfigXML("<max_server_memory_usage>6000000000</max_server_memory_usage>"))
	cfg := testConfig(b, ch, "native")
	startStore(b, cfg)
	fill(b, ch, cfg.Database, events)
	pick := func(sql string) string { return rowsOf(b, ch, cfg.Database, sql).Cells[0][0] }
	trace := pick("SELECT lower(hex(trace_id)) FROM session_events WHERE trace_id != toFixedString('', 16) ORDER BY record_id DESC LIMIT 1 OFFSET 1000")
	user := pick("SELECT user_name FROM session_events WHERE time > now() - INTERVAL 30 DAY GROUP BY user_name ORDER BY count() LIMIT 1 OFFSET 100")
	real := strings.NewReplacer("'0af7651916cd43dd8448eb211c80319c'", "'"+trace+"'", "'alice'", "'"+user+"'")
	theirs := otelQuestions(b)
	var lines [][]string
	for b.Loop() {
		lines = nil
		for i, q := range questions(b) {
			name, _, _ := strings.Cut(q.name, "**")
			require.Equal(b, name, theirs[i].name)
			ours, other := warm(b, ch, cfg.Database, real.Replace(q.sql)), warm(b, ch, cfg.Database, real.Replace(theirs[i].sql))
			require.Equal(b, other.rowsDelivered, ours.rowsDelivered, "the answers are of one size: %s", name)
			lines = append(lines, []string{
				name, fmt.Sprintf("%.1f", ours.milliseconds), fmt.Sprint(ours.rows), fmt.Sprint(ours.bytes),
				fmt.Sprintf("%.1f", other.milliseconds), fmt.Sprint(other.rows), fmt.Sprint(other.bytes),
			})
			b.ReportMetric(other.milliseconds/ours.milliseconds, strings.ReplaceAll(name, " ", "-")+"-times")
		}
	}
	size := func(column, where string) string {
		return pick(fmt.Sprintf("SELECT round(sum(%s) / %d, 1) FROM system.parts WHERE active AND database = currentDatabase() AND %s", column, events, where))
	}
	const onDisk, indexes = "bytes_on_disk", "secondary_indices_compressed_bytes"
	const theirTable, ourTable = "table = 'otel_logs'", "table = 'session_events'"
	lines = append(lines,
		[]string{"bytes on disk an event", "", "", size(onDisk, "table != 'otel_logs'"), "", "", size(onDisk, theirTable)},
		[]string{"bytes on disk an event, session_events alone", "", "", size(onDisk, ourTable), "", "", size(onDisk, theirTable)},
		[]string{"bytes of these in skipping and text indexes", "", "", size(indexes, ourTable), "", "", size(indexes, theirTable)})
	b.ReportMetric(0, "ns/op")
	note(b, commit, events, lines)
}

// fill makes the events, then the same in otel_logs, both in steps of about a million.
func fill(b *testing.B, ch *testengine.Server, database string, events int) {
	const step = 1_000_000
	begin := time.Now().Add(-366 * 24 * time.Hour)
	made := readFile(b, "events.sql")
	for from := 0; from < events; from += step {
		rows := min(step, events-from)
		_, _ = request(b, ch, database, made, url.Values{"param_count": {fmt.Sprint(events)}, "param_from": {fmt.Sprint(from)}, "param_rows": {fmt.Sprint(rows)}})
		progress(from+rows, events, "made")
	}
	table, copied, _ := strings.Cut(readFile(b, "otel_logs.sql"), ";\n")
	_, _ = request(b, ch, database, table, nil)
	edges := []int64{begin.Unix()}
	for steps := events/step + 1; len(edges) < steps; {
		edges = append(edges, begin.Add(time.Since(begin)/time.Duration(steps)*time.Duration(len(edges))).Unix())
	}
	edges = append(edges, time.Now().Add(24*time.Hour).Unix()) // the last sessions end after now
	for i, from := range edges[:len(edges)-1] {
		_, _ = request(b, ch, database, copied, url.Values{"param_from": {fmt.Sprint(from)}, "param_until": {fmt.Sprint(edges[i+1])}})
		progress(i+1, len(edges)-1, "steps copied")
	}
	require.Equal(b, fmt.Sprint(events), rowsOf(b, ch, database, "SELECT count() FROM otel_logs").Cells[0][0])
}

func progress(n, all int, what string) {
	if testing.Verbose() {
		fmt.Printf("%d of %d %s\n", n, all, what)
	}
}

func readFile(b *testing.B, name string) string {
	text, err := os.ReadFile("testdata/questions/" + name)
	require.NoError(b, err)
	return string(text)
}

func otelQuestions(b *testing.B) (all []question) {
	for part := range strings.SplitSeq(readFile(b, "otel_questions.sql"), ";\n") {
		if _, part, found := strings.Cut("\n\n"+strings.TrimPrefix(strings.TrimSpace(part), "-- The questions of README.md, asked of otel_logs by the column of its partitions.\n\n"), "\n\n-- "); found {
			name, sql, _ := strings.Cut(part, "\n")
			all = append(all, question{name, sql})
		}
	}
	return all
}

// warm is the median of five, after one that nobody counts.
func warm(b *testing.B, ch *testengine.Server, database, sql string) asked {
	var all []asked
	for range 6 {
		summary, body := request(b, ch, database, sql, nil)
		var s struct {
			Rows    string `json:"read_rows"`
			Bytes   string `json:"read_bytes"`
			Elapsed string `json:"elapsed_ns"`
		}
		require.NoError(b, json.Unmarshal([]byte(summary), &s))
		n := func(text string) uint64 {
			v, err := strconv.ParseUint(text, 10, 64)
			require.NoError(b, err)
			return v
		}
		all = append(all, asked{float64(n(s.Elapsed)) / 1e6, n(s.Rows), n(s.Bytes), uint64(strings.Count(body, "\n"))})
	}
	all = all[1:]
	slices.SortFunc(all, func(x, y asked) int { return int(1000 * (x.milliseconds - y.milliseconds)) })
	return all[len(all)/2]
}

// request runs SQL and returns the server's summary and its answer.
func request(b *testing.B, ch *testengine.Server, database, sql string, parameters url.Values) (summary, body string) {
	b.Helper()
	v := url.Values{"database": {database}, "wait_end_of_query": {"1"}, "default_format": {"TSV"}}
	for name, value := range parameters {
		v[name] = value
	}
	target := url.URL{Scheme: "http", Host: ch.HTTP, RawQuery: v.Encode()}
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, target.String(), strings.NewReader(sql))
	require.NoError(b, err)
	r.SetBasicAuth(server.Admin.Name, server.Admin.Password)
	response, err := client.Do(r)
	require.NoError(b, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(b, err)
	require.Equal(b, http.StatusOK, response.StatusCode, "%s\n%s", sql, text)
	return response.Header.Get("X-ClickHouse-Summary"), string(text)
}

// note appends the results to the file of results, if one is named.
func note(b *testing.B, commit string, events int, lines [][]string) {
	for i, line := range lines {
		lines[i] = append([]string{commit, fmt.Sprint(events)}, line...)
	}
	if path := os.Getenv(envResults); path != "" {
		require.NoError(b, proof.Append(path, lines...))
	}
}
