package redshift

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
)

// own is a source's configuration and an empty table of its own.
func own(t *testing.T, s *redshift.Server) (cfg Config, table string) {
	t.Helper()
	cfg = config(s, redshift.Collector)
	cfg.Table = newTable(t, s)
	return cfg, cfg.Table
}

// aSession is one as SYS_CONNECTION_LOG tells it.
func aSession(begin time.Time, pid int, guid string) []row {
	first := row{
		event: "authenticated", at: begin, host: "::ffff:10.1.2.3", port: "66790", pid: pid, database: "dev", user: "IAM:alice",
		auth: "IAM AssumeUser", guid: guid,
	}
	rows := []row{first, first, first, first}
	rows[1].event, rows[1].at = "initiating session", begin.Add(250*time.Microsecond)
	rows[2].event, rows[2].at, rows[2].application = "set application_name", begin.Add(time.Second), "nightly | load"
	rows[3].event, rows[3].at, rows[3].duration = "disconnecting session", begin.Add(90*time.Minute), (90 * time.Minute).Microseconds()
	return rows
}

func TestASessionIsDelivered(t *testing.T) {
	s := redshift.Start(t, redshift.WideDuration())
	grant(t, s, "sys_connection_log")
	begin := time.Now().UTC().Add(-2 * time.Hour).Truncate(time.Microsecond)
	insert(t, s, "sys_connection_log", aSession(begin, 4711, "03e74c8e-1111-4222-8333-444455556666")...)
	insert(t, s, "sys_connection_log", row{event: "authentication failure", at: begin.Add(-time.Second), host: "::1", port: "5", pid: 9, user: "mallory", auth: "password"},
		row{event: "something new", at: begin.Add(-time.Minute), host: "[local]", pid: 10, user: "rdsdb", auth: "Ident"})
	events := run(t, config(s, redshift.Collector), nil).waitEvents(t, 6)
	kinds := []session.Kind{session.KindSessionUpdate, session.KindLogin, session.KindLogin, session.KindSessionStart, session.KindSessionUpdate, session.KindLogout}
	for i, e := range events {
		require.Equal(t, kinds[i], e.Kind, e.SourceEvent)
		require.Equal(t, session.SystemRedshift, e.System)
		require.Equal(t, "warehouse", e.Instance)
	}
	require.Equal(t, []string{"something new", "[local]", ""}, []string{events[0].SourceEvent, events[0].ClientAddress, events[0].Database})
	require.Equal(t, session.OutcomeUnknown, events[0].Outcome)
	require.Equal(t, session.OutcomeFailure, events[1].Outcome)

	e := events[2]
	require.Equal(t, []string{"authenticated", "alice", "10.1.2.3", "dev", "IAM AssumeUser", session.AuthIAM, "03e74c8e-1111-4222-8333-444455556666"},
		[]string{e.SourceEvent, e.User, e.ClientAddress, e.Database, e.AuthType, e.AuthMethod, e.SessionID})
	require.Equal(t, int32(66790), e.ClientPort)
	require.Equal(t, begin.UnixNano(), e.Time)
	require.EqualValues(t, 4711, e.PID)
	extra := map[string]string{}
	for _, a := range e.Extra {
		extra[a.Key] = a.Value
	}
	require.Equal(t, map[string]string{session.SourceField + "remotehost": "::ffff:10.1.2.3", session.SourceField + "username": "IAM:alice"}, extra)
	require.Equal(t, "nightly | load", events[4].ApplicationName)
	require.Equal(t, (90 * time.Minute).Nanoseconds(), events[5].Duration, "64 bits")
	require.Equal(t, e.SessionKey, events[5].SessionKey)
}

// The same event has one id through either table; without a GUID a session still has one key.
func TestBothTablesGiveTheSameEvents(t *testing.T) {
	s := redshift.Start(t, redshift.WideDuration(), redshift.SessionID())
	begin := time.Now().UTC().Add(-2 * time.Hour).Truncate(time.Minute).Add(time.Second)
	told := map[string][]session.Event{}
	for _, table := range SystemTables {
		grant(t, s, table)
		insert(t, s, table, aSession(begin, 4711, "")...)
		s.Exec(t, "UPDATE pg_catalog.stl_connection_log SET compression = 'lz4'")
		cfg := config(s, redshift.Collector)
		cfg.Table = table
		told[table] = run(t, cfg, nil).waitEvents(t, 4)
	}
	for i, e := range told[SystemTables[0]] {
		o := told[SystemTables[1]][i]
		require.Equal(t, e.RecordID, o.RecordID)
		require.Equal(t, e.SessionKey, o.SessionKey)
		require.Equal(t, told[SystemTables[0]][0].SessionKey, e.SessionKey, e.SourceEvent)
		require.ElementsMatch(t, append(slices.Clone(e.Extra), session.Attr{Key: session.SourceField + "compression", Value: "lz4"}), o.Extra,
			"a column without a place is carried")
	}
}

func TestRowsThatTurnUpLateAreDelivered(t *testing.T) {
	s := cluster.Get(t)
	cfg, table := own(t, s)
	now := time.Now().UTC()
	all := logins("first", 3, now.Add(-time.Second), time.Millisecond)
	insertLogins(t, s, table, all...)
	r := run(t, cfg, nil)
	r.emit.WaitFor(t, all...)
	for name, late := range map[string]time.Duration{
		"within-overlap": 5 * time.Minute, "half-an-hour": 30 * time.Minute, "an-hour": time.Hour, "days": 100 * time.Hour, "years": 99_999 * time.Hour,
	} {
		rows := logins(name, 2, now.Add(-late), time.Microsecond)
		insertLogins(t, s, table, rows...)
		r.lookAtAll()
		r.emit.WaitFor(t, rows...)
		all = append(all, rows...)
	}
	r.whole(t)
	r.once(t, all...)
	require.Zero(t, r.stats.Counts().Repeated)
	require.NoError(t, r.lastStatus())
}

// A late row of a minute whose ids are not kept any more makes that minute be told again, with the ids it had.
func TestALateRowRepeatsItsOldMinuteWithTheSameIDs(t *testing.T) {
	s := cluster.Get(t)
	cfg, table := own(t, s)
	at := time.Now().UTC().Add(-time.Hour).Truncate(time.Minute)
	punctual := logins("same-minute", 4, at, time.Second)
	insertLogins(t, s, table, punctual...)
	r := run(t, cfg, nil)
	r.emit.WaitFor(t, punctual...)
	late := logins("late", 1, at.Add(30*time.Second), 0)
	insertLogins(t, s, table, late...)
	r.emit.WaitFor(t, late...)
	r.whole(t)
	ids := map[string]session.ID{}
	for _, e := range r.emit.Delivered() {
		if first, again := ids[e.User]; again {
			require.Equal(t, first, e.RecordID)
		}
		ids[e.User] = e.RecordID
	}
	require.Len(t, ids, 5)
	require.Equal(t, 4, r.stats.Counts().Repeated)
}

// Rows that are equal in every column are several events; so are those that differ only where ids do not look.
func TestRowsThatLookAlikeAreDelivered(t *testing.T) {
	s := cluster.Get(t)
	cfg, table := own(t, s)
	at := time.Now().UTC().Add(-2 * time.Minute).Truncate(time.Millisecond)
	same := login("alice", at, 5)
	named := same
	named.event, named.application = "set application_name", "b"
	other := named
	other.application, other.at = "a", at.Add(700*time.Microsecond)
	insert(t, s, table, same, named, same, other, same)
	cfg.BatchSize = 2
	store := &sourcetest.Store{}
	r := run(t, cfg, store)
	events := r.waitEvents(t, 5)
	distinct(t, events)
	r.stop()

	insert(t, s, table, same)
	again := run(t, cfg, store)
	more := again.waitEvents(t, 1)
	again.whole(t)
	require.Len(t, again.emit.Delivered(), 1, "only the new one")
	distinct(t, append(events, more...))

	fresh := run(t, cfg, nil).waitEvents(t, 6)
	want := ids(append(events, more...))
	require.Equal(t, want, ids(fresh), "another receiver gives the same ids")
}

func ids(events []session.Event) (out []string) {
	for i := range events {
		out = append(out, fmt.Sprint(events[i].RecordID, events[i].ApplicationName))
	}
	slices.Sort(out)
	return out
}

// A start within a millisecond must not number its rows anew.
func TestAStartWithinAMillisecondGivesTheSameIDs(t *testing.T) {
	s := cluster.Get(t)
	cfg, table := own(t, s)
	at := time.Now().UTC().Add(-2 * time.Minute).Truncate(time.Millisecond)
	for i := range 4 {
		insert(t, s, table, login("alice", at.Add(time.Duration(i)*100*time.Microsecond), 5))
	}
	all := run(t, cfg, nil).waitEvents(t, 4)
	cfg.Initial = at.Add(200 * time.Microsecond).Format(time.RFC3339Nano)
	some := run(t, cfg, nil).waitEvents(t, 2)
	require.Equal(t, ids(all[2:]), ids(some))
}

// A process id comes again, with another session behind it.
func TestAReusedProcessIDIsAnotherSession(t *testing.T) {
	s := redshift.Start(t, redshift.WideDuration())
	grant(t, s, "stl_connection_log")
	begin := time.Now().UTC().Add(-4 * time.Hour).Truncate(time.Minute)
	insert(t, s, "stl_connection_log", aSession(begin, 4711, "")...)
	insert(t, s, "stl_connection_log", aSession(begin.Add(100*time.Minute), 4711, "")...)
	events := run(t, config(s, redshift.Collector), nil).waitEvents(t, 8)
	distinct(t, events)
	for i, e := range events {
		require.Equal(t, events[i/4*4].SessionKey, e.SessionKey, "event %d", i)
	}
	require.NotEqual(t, events[0].SessionKey, events[4].SessionKey)
}

// Two clusters into one table: what they tell never meets, even where all columns are equal.
func TestTwoClustersNeverShareAnID(t *testing.T) {
	s := cluster.Get(t)
	cfg, table := own(t, s)
	rows := logins("user", 20, time.Now().Add(-time.Minute), time.Millisecond)
	insertLogins(t, s, table, rows...)
	events := runAs(t, cfg, "east", nil).waitEvents(t, len(rows))
	events = append(events, runAs(t, cfg, "west", nil).waitEvents(t, len(rows))...)
	distinct(t, events)
	keys := map[session.ID]bool{}
	for i := range events {
		keys[events[i].SessionKey] = true
	}
	require.Len(t, keys, 2*len(rows))
}

func TestInternalLoginsAreLeftOutOnDemandAndCounted(t *testing.T) {
	s := cluster.Get(t)
	cfg, table := own(t, s)
	at := time.Now().Add(-time.Minute)
	monitor := func(i int, user, host string) row {
		return row{event: "authenticated", at: at.Add(time.Duration(i) * time.Millisecond), host: host, pid: i, user: user, auth: "Ident"}
	}
	insert(t, s, table, monitor(1, "rdsdb", "[local]"), monitor(2, "rdsdb", "127.0.0.1"), monitor(3, "rdsdb", "::ffff:127.0.0.1"), monitor(4, "rdsdb", "::1"),
		monitor(5, "rdsdb", "10.0.0.1"), monitor(6, "alice", "[local]"), monitor(7, "rdsdb2", "[local]"))
	require.Len(t, run(t, cfg, nil).waitEvents(t, 7), 7, "off by default")
	cfg.ExcludeInternal = true
	r := run(t, cfg, nil)
	events := r.waitEvents(t, 3)
	r.whole(t)
	require.Equal(t, []string{"10.0.0.1", "[local]", "[local]"}, []string{events[0].ClientAddress, events[1].ClientAddress, events[2].ClientAddress})
	require.Equal(t, 4, r.stats.Counts().Excluded)
}

// An account may come with a zone and an order of dates of its own.
func TestTimesAreUTCWhateverTheAccountsSettings(t *testing.T) {
	s := redshift.Start(t)
	cfg, table := own(t, s)
	s.Exec(t, "ALTER ROLE collector SET timezone = 'Asia/Kolkata'; ALTER ROLE collector SET datestyle = 'SQL, DMY'")
	var rows []row
	for i, at := range []string{"2026-03-29T01:30:00.000001Z", "2026-10-25T00:59:59.999999Z", "2026-10-25T01:00:00Z", "1969-12-31T23:59:59.9Z", "2026-02-28T23:59:59.5Z"} {
		when, err := time.Parse(time.RFC3339Nano, at)
		require.NoError(t, err)
		rows = append(rows, login(at, when, i))
	}
	insert(t, s, table, rows...)
	for _, e := range run(t, cfg, nil).waitEvents(t, len(rows)) {
		require.Equal(t, e.User, time.Unix(0, e.Time).UTC().Format(time.RFC3339Nano))
	}
}
