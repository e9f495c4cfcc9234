package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/proof"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
)

// What enlarges the story, see make story-redshift. Results are appended to the file that is named.
const (
	envStoryRows    = "SESSIONLOG_STORY_ROWS"
	envStorySeed    = "SESSIONLOG_STORY_SEED"
	envStoryResults = "SESSIONLOG_STORY_RESULTS"
)

// story is rows of two clusters that arrive while the collector is killed.
type story struct {
	rows, seed int
	arrivals   int // of each cluster
	server     *redshift.Server
	to         *table
	col        *collector
	commit     string
	told       int // rows that have arrived
	peak       int // most memory that a collector had, KiB
}

// TestRedshiftStory: rows arrive in two clusters while their logs are polled, many of one time, many equal in every column, some
// minutes late and some an hour, with process ids that come again; the collector is killed five times. In the end each row is
// there once, equal in every column.
func TestRedshiftStory(t *testing.T) {
	for _, backend := range []string{"sqlite", "postgresql"} {
		t.Run(backend, func(t *testing.T) {
			besideOthers(t)
			st := &story{rows: number(t, envStoryRows, 3_000), seed: number(t, envStorySeed, 1), commit: proof.Commit(t.Context())}
			st.arrivals = max(20, st.rows/20_000)
			st.rows -= st.rows % (2 * st.arrivals)
			st.server = redshift.Start(t, redshift.WideDuration(), redshift.SessionID(), redshift.PostgreSQL(postgresql.Setting("fsync", "off"),
				postgresql.Setting("work_mem", "64MB"), postgresql.Setting("max_wal_size", "4GB")))
			st.server.Exec(t, "CREATE SCHEMA "+kept+" AUTHORIZATION "+redshift.Writer.Name)
			for table, time := range map[string]string{"sys_connection_log": "record_time", "stl_connection_log": "recordtime"} {
				st.server.Exec(t, "GRANT SELECT ON "+table+" TO "+redshift.Collector.Name+"; CREATE INDEX ON pg_catalog."+table+" ("+time+")")
			}
			batch := st.rows / st.arrivals / 6 // less than arrive at one time
			st.to = &table{backend: backend, name: "story", server: st.server}
			st.col = newRedshiftCollector(t, pipes{"story": {
				accesses: []accessPath{
					viewAccess(st.server, "east", "east", "sys_connection_log", batch),
					viewAccess(st.server, "west", "west", "stl_connection_log", batch),
				},
				tables: []*table{st.to},
			}})
			begin := time.Now()
			st.col.start(t)
			st.run(t)
			st.whole(t)
			st.col.stop(t)
			st.note(t, time.Since(begin))
		})
	}
}

// besideOthers runs a story beside other tests, unless its figures are wanted.
func besideOthers(t *testing.T) {
	t.Helper()
	if os.Getenv(envStoryRows) == "" {
		t.Parallel()
	}
}

func number(t *testing.T, env string, usual int) int {
	t.Helper()
	text := os.Getenv(env)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, env)
	return n
}

// run lets the rows arrive, never far ahead of the collector, and kills that while there are some that it has not told.
func (st *story) run(t *testing.T) {
	t.Helper()
	each := st.rows / st.arrivals
	for n := range st.arrivals {
		st.arrive(t, n, each/2)
		st.told += each
		if share := st.arrivals / (kills + 1); (n+1)%share == 0 && (n+1)/share <= kills {
			before := st.stored(t)
			st.await(t, func() bool { return st.stored(t) > before || before == st.told })
			st.measure(t)
			st.col.kill(t)
			st.col.start(t)
		}
		st.await(t, func() bool { return st.told-st.stored(t) <= 10*each })
	}
}

// arrive adds rows to both logs. All of a row but its time follows from its process id, so rows of one millisecond that look alike
// are alike: no two events of one process can be otherwise.
func (st *story) arrive(t *testing.T, n, rows int) {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Millisecond).Format("2006-01-02 15:04:05.000")
	for cluster, columns := range [][]string{sysColumns, stlColumns[:21]} {
		table := []string{"sys_connection_log", "stl_connection_log"}[cluster]
		st.server.Exec(t, fmt.Sprintf(`INSERT INTO pg_catalog.%s (%s) SELECT %s, at + late + pid * interval '1 microsecond', %s FROM (
			SELECT g, (ARRAY['authenticated', 'initiating session', 'set application_name', 'disconnecting session', 'authentication failure'])[1 + pid %% 5] AS event, pid,
				TIMESTAMP '%s' + CASE WHEN g %% 5 < 3 THEN 0 ELSE g END * interval '1 millisecond' AS at,
				CASE g %% 20 WHEN 4 THEN interval '-5 minutes' WHEN 9 THEN interval '-65 minutes' ELSE interval '0' END AS late
			FROM (SELECT g, CASE WHEN g %% 10 < 2 THEN 1 ELSE (g * 7919 + %d * 104729 + %d) %% 900 END AS pid FROM generate_series(0, %d) g) p) r`,
			table, strings.Join(columns, ", "), "event", storyColumns, now, n, st.seed, rows-1))
	}
}

// storyColumns are all columns but event and time, made of the process id.
const storyColumns = `CASE pid % 5 WHEN 0 THEN '[local]' WHEN 1 THEN 'host-' || pid ELSE '::ffff:10.0.' || pid % 4 || '.' || pid % 250 END,
	CASE pid % 5 WHEN 0 THEN '' ELSE (66790 + pid)::text END, pid, 'warehouse',
	(ARRAY['alice', 'IAM:bob', 'pipe|user', 'rdsdb', 'Zoë'])[1 + pid % 5], (ARRAY['password', 'IAM AssumeUser', 'password', 'Ident', 'password'])[1 + pid % 5],
	CASE WHEN event = 'disconnecting session' THEN 3000000000 + pid ELSE 0 END, CASE pid % 3 WHEN 0 THEN '' ELSE 'TLSv1.2' END,
	CASE pid % 3 WHEN 0 THEN '' ELSE 'ECDHE-RSA-AES256-GCM-SHA384' END, pid % 2 * 1500, 'none', '', '', 'nightly | load ' || pid % 40,
	'Linux 5.10.0 amd64', 'Amazon Redshift JDBC Driver 2.1.0.29', 'none', pid % 4, CASE pid % 7 WHEN 0 THEN '' ELSE md5(pid::text)::uuid::text END`

// stored is how many rows the table has.
func (st *story) stored(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(st.to.count(t, "session_events"))
	require.NoError(t, err)
	return n
}

func (st *story) await(t *testing.T, done func() bool) {
	t.Helper()
	require.Eventually(t, done, patience+time.Duration(st.rows/10_000)*time.Second, quick, "of %d rows that have arrived", st.told)
}

// whole waits for all rows and compares them with the logs.
func (st *story) whole(t *testing.T) {
	t.Helper()
	require.Equal(t, st.rows, st.told)
	st.await(t, func() bool { return st.stored(t) >= st.rows })
	st.measure(t)
	require.Equal(t, "0", st.to.count(t, "session_conflicts"))
	var trimmed []string
	for _, c := range stlColumns[:21] {
		trimmed = append(trimmed, "rtrim("+c+"::text)")
	}
	stl := "SELECT " + strings.Join(trimmed, ", ") + ", 'west' FROM pg_catalog.stl_connection_log"
	for i, c := range sysColumns {
		trimmed[i] = "rtrim(" + c + "::text)"
	}
	truth := rowsByHash{}
	truth.addPostgreSQL(t, st.server, stl)
	truth.addPostgreSQL(t, st.server, "SELECT "+strings.Join(trimmed, ", ")+", 'east' FROM pg_catalog.sys_connection_log")
	got := rowsByHash{}
	ours := "SELECT " + strings.Join(stlColumns[:21], ", ") + ", instance FROM "
	if st.to.backend == "sqlite" {
		got.addSQLite(t, filepath.Join(st.col.dir, "story.db"), ours+"stl_connection_log")
	} else {
		got.addPostgreSQL(t, st.server, ours+kept+".story_stl_connection_log")
	}
	truth.requireEqual(t, got)
}

// measure looks at the memory that the collector has had at most.
func (st *story) measure(t *testing.T) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", st.col.cmd.Process.Pid))
	if err != nil {
		return // no Linux
	}
	_, text, _ := strings.Cut(string(status), "VmHWM:")
	kib, err := strconv.Atoi(strings.Fields(text)[0])
	require.NoError(t, err)
	st.peak = max(st.peak, kib)
}

// note appends the result to the file of results, if one is named.
func (st *story) note(t *testing.T, spent time.Duration) {
	t.Helper()
	st.noteAs(t, "redshift", spent)
}

func (st *story) noteAs(t *testing.T, name string, spent time.Duration) {
	t.Helper()
	path := os.Getenv(envStoryResults)
	result := []string{
		name, st.to.backend, strconv.Itoa(st.rows), strconv.Itoa(kills), strconv.Itoa(st.seed), st.commit, fmt.Sprintf("%.0f", spent.Seconds()),
		strconv.Itoa(st.peak >> 10),
	}
	t.Log(result)
	if path != "" {
		require.NoError(t, proof.Append(path, result))
	}
}
