package postgresql_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/postgresql"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	engine "github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
	"github.com/otel-sessionlog/sessionlog/testengine/shared"
)

// reader is what somebody can do who has the collector's password.
type reader struct {
	conn *pgconn.PgConn
}

func newReader(t *testing.T, s *engine.Server, user server.User) reader {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), s.DSN(user.Name, user.Password, server.AppDB))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return reader{conn}
}

// ask gives the first cell of the last answer; <null> where it has none.
func (r reader) ask(t *testing.T, sql string) (string, error) {
	t.Helper()
	results, err := r.conn.Exec(t.Context(), sql).ReadAll()
	if err != nil {
		return "", err
	}
	last := results[len(results)-1]
	if len(last.Rows) == 0 || last.Rows[0][0] == nil {
		return "<null>", nil
	}
	return string(last.Rows[0][0]), nil
}

// installed are servers of both versions, for tests of what others can do there.
var installed = map[int]*shared.Resource[*engine.Server]{15: installedServer(15), 18: installedServer(18)}

func installedServer(version int) *shared.Resource[*engine.Server] {
	return shared.New(func(t testing.TB) *engine.Server {
		s := engine.Start(t, engine.Version(version))
		install(t, s)
		install(t, s) // a second time does no harm
		return s
	})
}

func eachVersion(t *testing.T, test func(t *testing.T, s *engine.Server)) {
	for version, s := range installed {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			test(t, s.Get(t))
		})
	}
}

// The account reads the log's files, and no other way to a file is open to it.
func TestTheAccountReadsNothingElse(t *testing.T) {
	eachVersion(t, func(t *testing.T, s *engine.Server) {
		logs := s.LogDir()
		plant := func(name, text string) {
			path := filepath.Join(logs, name)
			require.NoError(t, os.WriteFile(path, []byte(text), 0o644)) //nolint:gosec // the server, another user, must be able to read it
		}
		plant("notes.txt", "secret")
		plant(".hidden.log", "secret")
		plant("other.log", "secret") // not as log_filename says
		require.NoError(t, os.Symlink("../pg_hba.conf", filepath.Join(logs, "hba")))
		require.NoError(t, os.Symlink("../global", filepath.Join(logs, "postgresql-2026-01-01_000000.log")))
		require.NoError(t, os.Symlink("..", filepath.Join(logs, "up")))
		r := newReader(t, s, server.Audit)

		current := filepath.Base(s.LogFiles(server.JSONLog)[0])
		text, err := r.ask(t, "SELECT convert_from(sessionlog.read_log('"+current+"', 0, 20), 'UTF8')")
		require.NoError(t, err)
		require.Contains(t, text, `{"timestamp":`)
		names, err := r.ask(t, "SELECT string_agg(name, ' ' ORDER BY name) FROM sessionlog.log_files()")
		require.NoError(t, err)
		require.Len(t, strings.Fields(names), 3, names)

		for _, name := range []string{
			"../pg_hba.conf", "../postgresql.conf", "../global/1260", "../PG_VERSION", "./" + current, "../log/" + current, current + "/", current + "/../../pg_hba.conf",
			logs + "/" + current, "/etc/passwd", filepath.Join(filepath.Dir(logs), "pg_hba.conf"), "hba", "up/pg_hba.conf", "up", ".", "..", "",
			"notes.txt", ".hidden.log", "other.log", "postgresql-2026-01-01_000000.log", "postgresql-2026-01-01_000000.log/1260",
			"postgresql-/../../pg_hba.conf", "postgresql-x.log\n../pg_hba.conf", `postgresql-%.log`, "%", "*.json", strings.ToUpper(current),
		} {
			text, err := r.ask(t, "SELECT sessionlog.read_log('"+name+"', 0, 100)")
			require.NoError(t, err, name)
			require.Equal(t, "<null>", text, name)
		}
		for _, call := range []string{"'" + current + "', -1, 1", "'" + current + "', 0, -1", "'" + current + "', 0, 1048577"} {
			_, err := r.ask(t, "SELECT sessionlog.read_log("+call+")")
			require.ErrorContains(t, err, "22023", call)
		}
		text, err = r.ask(t, "SELECT sessionlog.read_log(NULL, 0, 1)")
		require.NoError(t, err)
		require.Equal(t, "<null>", text)
		text, err = r.ask(t, "SELECT length(sessionlog.read_log('"+current+"', 9223372036854775807, 1048576))")
		if err == nil {
			require.Contains(t, []string{"0", "<null>"}, text)
		}

		for _, sql := range []string{
			"SELECT pg_read_binary_file('PG_VERSION')", "SELECT pg_read_binary_file('log/" + current + "', 0, 10, true)", "SELECT pg_read_file('PG_VERSION')",
			"SELECT pg_ls_dir('.')", "SELECT pg_ls_logdir()", "SELECT pg_ls_waldir()", "SELECT pg_stat_file('PG_VERSION')", "SELECT pg_hba_file_rules()",
			"SELECT rolpassword FROM pg_authid", "SELECT * FROM pg_shadow", "SELECT lo_import('/etc/passwd')", "SELECT pg_read_binary_file('log/" + current + "', 0, 10)",
			"CREATE TEMP TABLE t (x text); COPY t FROM '/etc/passwd'", "CREATE TEMP TABLE u (x text); COPY u FROM PROGRAM 'id'", "COPY (SELECT 1) TO '/tmp/x'",
			"SET ROLE sessionlog_log_owner", "SET SESSION AUTHORIZATION sessionlog_log_owner", "GRANT sessionlog_log_owner TO CURRENT_USER", "SHOW log_directory",
			"CREATE FUNCTION sessionlog.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE TABLE sessionlog.t (x int)", "ALTER FUNCTION sessionlog.log_files() OWNER TO CURRENT_USER",
			"CREATE OR REPLACE FUNCTION sessionlog.log_files(OUT name text, OUT size bigint, OUT modified timestamptz) RETURNS SETOF record LANGUAGE sql AS 'SELECT NULL::text, 0::bigint, now()'",
			"SET log_directory = '/etc'", "SET log_filename = 'passwd'", "GRANT EXECUTE ON FUNCTION sessionlog.read_log(text, bigint, integer) TO PUBLIC; SELECT 1/0",
		} {
			_, err := r.ask(t, sql)
			require.Error(t, err, sql)
		}
	})
}

// A caller cannot put things of his own in the way of what the functions call, nor change how their text is read.
func TestTheFunctionsAreSealed(t *testing.T) {
	eachVersion(t, func(t *testing.T, s *engine.Server) {
		s.ExecIn(t, server.AppDB, "CREATE SCHEMA evil AUTHORIZATION "+server.Audit.Name)
		r := newReader(t, s, server.Audit)
		for _, sql := range []string{
			"CREATE FUNCTION evil.current_setting(text) RETURNS text LANGUAGE sql AS $$SELECT '/etc'$$",
			"CREATE FUNCTION evil.regexp_replace(text, text, text) RETURNS text LANGUAGE sql AS $$SELECT '.*'$$",
			"CREATE FUNCTION evil.regexp_replace(text, text, text, text) RETURNS text LANGUAGE sql AS $$SELECT '.*'$$",
			"CREATE FUNCTION evil.yes(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
			"CREATE OPERATOR evil.~ (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.yes)",
			"CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.yes)",
			"SET search_path = evil, sessionlog, pg_catalog", "SET standard_conforming_strings = off", "SET bytea_output = 'escape'",
		} {
			_, err := r.ask(t, sql)
			require.NoError(t, err, sql)
		}
		require.NoError(t, os.WriteFile(filepath.Join(s.LogDir(), "notes.txt"), []byte("secret"), 0o644)) //nolint:gosec // see above
		text, err := r.ask(t, "SELECT sessionlog.read_log('notes.txt', 0, 100)")
		require.NoError(t, err)
		require.Equal(t, "<null>", text)
		count, err := r.ask(t, "SELECT count(*) FROM sessionlog.log_files()")
		require.NoError(t, err)
		require.Equal(t, "3", count)
	})
}

func TestOthersReadNothing(t *testing.T) {
	eachVersion(t, func(t *testing.T, s *engine.Server) {
		r := newReader(t, s, server.Alice) // she owns the database, even
		for _, sql := range []string{"SELECT * FROM sessionlog.log_files()", "SELECT sessionlog.read_log('x', 0, 1)"} {
			_, err := r.ask(t, sql)
			require.ErrorContains(t, err, "42501", sql)
		}
	})
}

// The files are found wherever the settings put them.
func TestOtherFoldersAndNames(t *testing.T) {
	outside := t.TempDir()
	for name, options := range map[string][]engine.Option{
		"no suffix":  {engine.Setting("log_filename", "server-%a"), engine.LogFormats(server.Stderr, server.CSVLog)},
		"characters": {engine.Setting("log_filename", `a+b (%Y%%Y) [x]^\é.log`), engine.LogFormats(server.JSONLog)},
	} {
		t.Run(name, func(t *testing.T) {
			s := engine.Start(t, options...)
			install(t, s)
			j := start(t, config(s), &sourcetest.Store{})
			all := mix(t, s.Logins(t), 5, 1)
			awaitLines(t, done(all), func() []string { return told(j.Delivered()) })
			j.stop(t)
		})
	}
	t.Run("outside", func(t *testing.T) {
		require.NoError(t, os.Chmod(outside, 0o777)) //nolint:gosec // the server is another user
		for dir := outside; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
			_ = os.Chmod(dir, 0o777) //nolint:gosec // so that it can be entered
		}
		s := engine.Start(t, engine.LogFormats(server.JSONLog), engine.Setting("log_directory", outside))
		install(t, s)
		j := start(t, config(s), &sourcetest.Store{})
		all := mix(t, s.Logins(t), 5, 1)
		awaitLines(t, done(all), func() []string { return told(j.Delivered()) })
		j.stop(t)
	})
}

func TestInstallSQLHasNoPath(t *testing.T) {
	require.Contains(t, postgresql.InstallSQL, "SECURITY DEFINER")
	require.NotContains(t, postgresql.InstallSQL, "SUPERUSER")
}
