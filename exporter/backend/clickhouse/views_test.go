package clickhouse

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine"
)

// types: the columns of the view are those of the server's own session_log, type for type, but for the two sets that other systems
// have words for.
func types(t *testing.T, server *testengine.Server) {
	cfg := usedConfig(t, server, "native")
	startStore(t, cfg)
	server.FlushLogs(t)
	real := rowsOf(t, server, cfg.Database, "SELECT name, type FROM system.columns WHERE database = 'system' AND table = 'session_log' ORDER BY position").Cells
	ours := rowsOf(t, server, cfg.Database, "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = 'session_log' ORDER BY position").Cells
	require.Greater(t, len(real), 20)
	for i, c := range real {
		switch c[0] {
		case "auth_type":
			c[1] = "LowCardinality(Nullable(String))"
		case "interface":
			c[1] = "LowCardinality(String)"
		}
		require.Equal(t, c, ours[i])
	}
}

// documentedQuery is that of clickhouse.com/docs/operations/system-tables/session_log with another table name, and its answer as printed
// there, but for what the page is too old to have.
func documentedQuery(t *testing.T, server *testengine.Server) {
	cfg := usedConfig(t, server, "native")
	at, err := time.Parse(time.DateTime, "2021-10-14 20:33:52.104247")
	require.NoError(t, err)
	write1(t, startStore(t, cfg), seq(&session.Event{
		Kind: session.KindLogin, Outcome: session.OutcomeSuccess, SourceEvent: "LoginSuccess", Time: at.UnixNano(), System: session.SystemClickHouse,
		User: "default", AuthType: "PLAINTEXT_PASSWORD", Profiles: []string{"default"},
		Settings:      []session.Setting{{Name: "load_balancing", Value: "random"}, {Name: "max_memory_usage", Value: "10000000000"}},
		ClientAddress: "127.0.0.1", ClientPort: 38490, Interface: "TCP", ClientName: "ClickHouse client", ClientRevision: 54449,
		ClientVersion: "21.10.0", SessionID: "45e6bd83-b4aa-4a23-85e6-bd83b4aa1a23", SessionKey: session.ID{1}, RecordID: session.ID{1},
	}))
	got := strings.Split(ask(t, server, cfg.Database, "SELECT * FROM session_log LIMIT 1 FORMAT Vertical;", "TSV"), "\n")
	want := strings.Split(`Row 1:
──────
hostname:                
type:                    LoginSuccess
auth_id:                 45e6bd83-b4aa-4a23-85e6-bd83b4aa1a23
session_id:              
event_date:              2021-10-14
event_time:              2021-10-14 20:33:52
event_time_microseconds: 2021-10-14 20:33:52.104247
user:                    default
auth_type:               PLAINTEXT_PASSWORD
profiles:                ['default']
roles:                   []
settings:                [('load_balancing','random'),('max_memory_usage','10000000000')]
client_address:          ::ffff:127.0.0.1
client_port:             38490
interface:               TCP
client_hostname:         
client_name:             ClickHouse client
client_revision:         54449
client_version_major:    21
client_version_minor:    10
client_version_patch:    0
failure_reason:          `, "\n")
	for i, line := range want {
		require.Equal(t, strings.TrimRight(line, " "), strings.TrimRight(got[i], " "))
	}
}

// openSessions: those without a logout, whatever came twice, late, or in which order; and not those that were silent for long.
func openSessions(t *testing.T, server *testengine.Server) {
	cfg := usedConfig(t, server, "native")
	s := startStore(t, cfg)
	now := time.Now()
	event := func(n byte, kind session.Kind, outcome session.Outcome, ago time.Duration) *session.Event {
		return &session.Event{
			Kind: kind, Outcome: outcome, Time: now.Add(-ago).UnixNano(), User: string('a' + rune(n)), SessionKey: session.ID{n},
			RecordID: session.ID{6: 0x80, 14: byte(kind), 15: n},
		}
	}
	open := func() (users []string) {
		for _, row := range rowsOf(t, server, cfg.Database, "SELECT user_name FROM open_sessions ORDER BY user_name").Cells {
			users = append(users, row[0])
		}
		return users
	}
	write1(t, s, seq(
		event(1, session.KindLogin, session.OutcomeSuccess, time.Hour),
		event(2, session.KindLogout, session.OutcomeSuccess, time.Minute), // its login comes later
		event(3, session.KindLogin, session.OutcomeFailure, time.Minute),
		event(4, session.KindLogin, session.OutcomeSuccess, 25*time.Hour),
		event(5, session.KindSessionStart, session.OutcomeSuccess, time.Minute),
	))
	require.Equal(t, []string{"b", "f"}, open())
	write1(t, s, seq(event(2, session.KindLogin, session.OutcomeSuccess, 2*time.Hour), event(5, session.KindLogout, session.OutcomeSuccess, 0)))
	require.Equal(t, []string{"b"}, open())
	write1(t, s, seq(event(5, session.KindSessionStart, session.OutcomeSuccess, time.Minute), event(2, session.KindLogin, session.OutcomeSuccess, 2*time.Hour)))
	server.Exec(t, "OPTIMIZE TABLE "+cfg.Database+".session_events FINAL")
	require.Equal(t, []string{"b"}, open(), "told again")
	write1(t, s, seq(
		event(4, session.KindSessionUpdate, session.OutcomeUnknown, time.Minute),
		event(6, session.KindLogout, session.OutcomeSuccess, 26*time.Hour), event(6, session.KindSessionUpdate, session.OutcomeUnknown, time.Minute),
	))
	require.Equal(t, []string{"b", "e"}, open(), "heard of again")
	both := func(from string) [][]string {
		return rowsOf(t, server, cfg.Database, "SELECT session_key, user_name, login_time, first_seen, last_seen FROM "+from+" ORDER BY user_name").Cells
	}
	require.Equal(t, both("sessions WHERE state = 'open'"), both("open_sessions"), "with the login, however old it is")
}

// redshiftWords: records of PostgreSQL stand in Redshift's view under its words, where they are asked for.
func redshiftWords(t *testing.T, server *testengine.Server) {
	cfg := testConfig(t, server, "native")
	cfg.STLConnectionLog.IncludePostgreSQL = true
	s := startStore(t, cfg)
	var all []*session.Event
	for i, c := range []struct {
		system, word string
		kind         session.Kind
		outcome      session.Outcome
	}{
		{session.SystemPostgreSQL, "connection ready", session.KindLogin, session.OutcomeSuccess},
		{session.SystemPostgreSQL, "FATAL", session.KindLogin, session.OutcomeFailure},
		{session.SystemPostgreSQL, "FATAL", session.KindSessionUpdate, session.OutcomeFailure},
		{session.SystemPostgreSQL, "connection received", session.KindLogin, session.OutcomeUnknown},
		{session.SystemPostgreSQL, "disconnection", session.KindLogout, session.OutcomeSuccess},
		{session.SystemRedshift, "something new", session.KindSessionUpdate, session.OutcomeUnknown},
		{session.SystemRedshift, "", session.KindSessionStart, session.OutcomeUnknown},
	} {
		all = append(all, &session.Event{
			System: c.system, SourceEvent: c.word, Kind: c.kind, Outcome: c.outcome, Time: int64(i) * 1e9, RecordID: session.ID{6: 0x80, 15: byte(i + 1)},
		})
	}
	write1(t, s, seq(all...))
	require.Equal(t, [][]string{
		{"authenticated"},
		{"authentication failure"},
		{"authentication failure"},
		{"connection received"},
		{"disconnecting session"},
		{"something new"},
		{"initiating session"},
	}, rowsOf(t, server, cfg.Database, "SELECT event FROM stl_connection_log ORDER BY recordtime").Cells)
}

// question is one of README.md, with its SQL.
type question struct{ name, sql string }

// questions reads the section Questions of README.md: a line that names each, and its SQL.
func questions(t testing.TB) (all []question) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "## Questions\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	for _, m := range regexp.MustCompile("(?ms)^\\*\\*(.+?)\\*\\*.*?^```sql\n(.*?)^```").FindAllStringSubmatch(section, -1) {
		all = append(all, question{m[1], strings.TrimSuffix(strings.TrimSpace(m[2]), ";")})
	}
	require.Greater(t, len(all), 6)
	return all
}

// questionsRun: the questions of README.md, as printed there, find what was written.
func questionsRun(t *testing.T, server *testengine.Server) {
	cfg := usedConfig(t, server, "native")
	s := startStore(t, cfg)
	now := time.Now()
	var all []*session.Event
	for n := range byte(4) {
		e := &session.Event{
			Kind: session.KindLogin, Outcome: session.OutcomeFailure, Time: now.Add(-time.Duration(10-n) * time.Minute).UnixNano(), System: session.SystemClickHouse,
			User: "alice", ClientAddress: "203.0.113.42", RecordID: session.ID{6: 0x80, 15: n + 1}, SessionKey: session.ID{n + 1}, ClientName: "client", ClientVersion: "1.2.3",
			AuthMethod: session.AuthPassword, TraceID: [16]byte{0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c},
		}
		if n == 3 {
			e.Outcome = session.OutcomeSuccess
		}
		all = append(all, e)
	}
	write1(t, s, seq(all...))
	for _, q := range questions(t) {
		require.NotEmpty(t, rowsOf(t, server, cfg.Database, q.sql).Cells, "%s\n%s", q.name, q.sql)
	}
}
