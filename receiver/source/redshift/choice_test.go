package redshift

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
)

// bare makes the two system tables' rows one login each, of users that name the table.
func bare(t *testing.T, s *redshift.Server, tables ...string) {
	t.Helper()
	for _, table := range tables {
		insert(t, s, table, login("of-"+table[:3], time.Now(), 7))
	}
}

func grant(t *testing.T, s *redshift.Server, table string) {
	t.Helper()
	s.Exec(t, "GRANT SELECT ON "+table+" TO "+redshift.Collector.Name)
}

func TestReadsWhatIsThereAndGranted(t *testing.T) {
	both := []string{"sys_connection_log", "stl_connection_log"}
	for _, test := range []struct {
		name    string
		options []redshift.Option
		there   []string
		granted []string
		table   string
		want    string
	}{
		{"both", nil, both, both, "", "of-sys"},
		{"the older one alone is granted", nil, both, both[1:], "", "of-stl"},
		{"an old cluster", []redshift.Option{redshift.NoSYS()}, both[1:], both[1:], "", "of-stl"},
		{"a serverless workgroup", []redshift.Option{redshift.NoSTL()}, both[:1], both[:1], "", "of-sys"},
		{"the key table decides", nil, both, both, "pg_catalog.STL_CONNECTION_LOG", "of-stl"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := redshift.Start(t, test.options...)
			bare(t, s, test.there...)
			for _, table := range test.granted {
				grant(t, s, table)
			}
			cfg := config(s, redshift.Collector)
			cfg.Table = test.table
			r := run(t, cfg, nil)
			require.Equal(t, test.want, r.waitEvents(t, 1)[0].User)
			require.NoError(t, r.lastStatus())
		})
	}
}

func TestARefusalNamesTheGrantAndItsGrantEndsIt(t *testing.T) {
	s := redshift.Start(t)
	bare(t, s, "sys_connection_log")
	r := run(t, config(s, redshift.Collector), nil)
	eventually(t, "a refusal", func() bool { return r.lastStatus() != nil })
	require.EqualError(t, r.lastStatus(), "the account may not read sys_connection_log: a superuser can GRANT SELECT ON sys_connection_log TO collector")
	grant(t, s, "sys_connection_log")
	r.waitEvents(t, 1)
	eventually(t, "all is well", func() bool { return r.lastStatus() == nil })

	s.Exec(t, "REVOKE SELECT ON sys_connection_log FROM collector")
	eventually(t, "a refusal", func() bool { return r.lastStatus() != nil })
	require.ErrorIs(t, r.lastStatus(), errDenied)
}

func TestWaitsForATableThatIsNotThereYet(t *testing.T) {
	s := redshift.Start(t, redshift.NoSTL(), redshift.NoSYS())
	r := run(t, config(s, redshift.Collector), nil)
	eventually(t, "a remark", func() bool { return r.lastStatus() != nil })
	require.ErrorContains(t, r.lastStatus(), "there is no table sys_connection_log and none stl_connection_log")
	require.Zero(t, r.log.FilterMessage("the source cannot be read; it is tried again until it can").Len(), "it is no failure")

	cfg := config(s, redshift.Collector)
	cfg.Table = "public.history"
	own := run(t, cfg, nil)
	eventually(t, "a remark", func() bool { return own.lastStatus() != nil })
	s.Exec(t, "CREATE TABLE history (recordtime timestamp, event varchar, pid bigint, username varchar); GRANT SELECT ON history TO collector;"+
		"INSERT INTO history VALUES (now(), 'authenticated', 1, 'alice')")
	require.Equal(t, "alice", own.waitEvents(t, 1)[0].User)

	s.Exec(t, "DROP TABLE history")
	eventually(t, "a remark", func() bool { return own.lastStatus() != nil })
	s.Exec(t, "CREATE TABLE history (username varchar, event varchar, pid int, remotehost varchar, recordtime timestamptz); GRANT SELECT ON history TO collector;"+
		"INSERT INTO history VALUES ('bob', 'authenticated', 2, '[local]', now())")
	events := own.waitEvents(t, 2)
	require.Equal(t, "bob", events[1].User)
	require.WithinDuration(t, time.Now(), time.Unix(0, events[1].Time), time.Minute)
}

func TestATableOfAnotherShapeIsRefusedByItsColumns(t *testing.T) {
	s := cluster.Get(t)
	s.Exec(t, `CREATE TABLE odd (recordtime varchar, event varchar, pid varchar); GRANT SELECT ON odd TO collector`)
	cfg := config(s, redshift.Collector)
	cfg.Table = "odd"
	r := run(t, cfg, nil)
	eventually(t, "a complaint", func() bool { return r.lastStatus() != nil })
	for _, want := range []string{"column recordtime of odd must be a timestamp", "column pid of odd must be an integer", "odd has no column username or user_name"} {
		require.ErrorContains(t, r.lastStatus(), want)
	}
}

// Whoever writes the key table later, or is granted the better view, goes on where he was.
func TestTheSystemTablesShareACursor(t *testing.T) {
	s := redshift.Start(t)
	at := time.Now().Add(-time.Minute)
	for _, table := range SystemTables {
		grant(t, s, table)
		insert(t, s, table, login("alice", at, 1), login("bob", at.Add(time.Second), 2))
	}
	store := &sourcetest.Store{}
	cfg := config(s, redshift.Collector)
	for i, table := range []string{"stl_connection_log", "", "sys_connection_log"} {
		cfg.Table = table
		r := run(t, cfg, store)
		if i == 0 {
			r.waitEvents(t, 2)
		}
		r.whole(t)
		r.stop()
		if i > 0 {
			require.Empty(t, r.emit.Delivered(), "table %q", table)
		}
	}
}
