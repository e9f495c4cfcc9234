package postgresql

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/session"
)

// fromEachVersion starts from the schema of every older program, with records in it: they are there, and in the views.
func fromEachVersion(t *testing.T, pg *postgresql.Server) {
	for version := 1; ; version++ {
		cfg := testConfig(t, pg)
		old := newStore(t, cfg)
		if version == len(old.files) {
			return
		}
		old.files = old.files[:version]
		require.NoError(t, old.Start(t.Context()))
		require.Equal(t, 10, write1(t, old, typical(0, 10)).Written)
		login := at(time.Unix(1_790_000_000, 0), "alice")
		login.System, login.SourceEvent = session.SystemRedshift, "authenticated"
		write1(t, old, seq(login))
		stopStore(t, old)

		s := newStore(t, cfg)
		require.NoError(t, s.Start(t.Context()))
		require.Equal(t, backend.Result{Written: 10, Duplicates: 10}, write1(t, s, typical(0, 20)), "from version %d", version)
		require.Equal(t, [][]string{{"21"}}, rowsOf(t, cfg, "SELECT count(*) FROM session_log").Cells)
		require.Equal(t, [][]string{{"authenticated", "alice"}}, rowsOf(t, cfg, "SELECT event, username FROM stl_connection_log").Cells)
		require.Equal(t, [][]string{{"authenticated", "alice"}}, rowsOf(t, cfg, "SELECT event, user_name FROM sys_connection_log").Cells)
		stopStore(t, s)
	}
}

// redshiftWords: records of PostgreSQL stand in Redshift's view under its words, where they are asked for.
func redshiftWords(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	const query = "SELECT event, username, duration FROM stl_connection_log ORDER BY recordtime"
	s := startStore(t, cfg)
	var all []*session.Event
	for i, c := range []struct {
		kind    session.Kind
		outcome session.Outcome
		word    string
	}{
		{session.KindLogin, session.OutcomeSuccess, "connection ready"},
		{session.KindLogin, session.OutcomeFailure, "FATAL"},
		{session.KindSessionUpdate, session.OutcomeFailure, "FATAL"},
		{session.KindLogout, session.OutcomeSuccess, "disconnection"},
	} {
		e := at(time.Unix(1_790_000_000+int64(i), 0), "alice")
		e.System, e.Kind, e.Outcome, e.SourceEvent = session.SystemPostgreSQL, c.kind, c.outcome, c.word
		all = append(all, e)
	}
	redshift := at(time.Unix(1_790_000_100, 0), "bob")
	redshift.System, redshift.SourceEvent = session.SystemRedshift, "something new"
	redshift.Extra = []session.Attr{{Key: session.SourceField + "duration", Value: "-294967296", Type: session.AttrInt}}
	write1(t, s, seq(append(all, redshift)...))
	bob := []string{"something new", "bob", "-294967296"}
	require.Equal(t, [][]string{bob}, rowsOf(t, cfg, query).Cells)

	with := cfg
	with.STLConnectionLog.IncludePostgreSQL = true
	startStore(t, with)
	require.Equal(t, [][]string{
		{"authenticated", "alice", "0"},
		{"authentication failure", "alice", "0"},
		{"authentication failure", "alice", "0"},
		{"disconnecting session", "alice", "0"},
		bob,
	}, rowsOf(t, cfg, query).Cells)
}

// unreadableRecord: somebody has written a record by hand that says nothing we understand. What comes under its id is another
// version, kept aside, and nobody is kept from writing.
func unreadableRecord(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	s := startStore(t, cfg)
	e := at(time.Now(), "alice")
	write1(t, s, seq(e))
	rowsOf(t, cfg, `UPDATE session_events SET attributes = '"no object"'`)
	require.Equal(t, backend.Result{Written: 1, Conflicts: 1}, write1(t, s, seq(e, at(time.Now(), "bob"))))
	require.Equal(t, [][]string{{"alice"}}, rowsOf(t, cfg, "SELECT user_name FROM session_conflicts").Cells)
}
