package postgresql_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/postgresql"
	engine "github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// readsPasswords tries what an attacker is after: the file that holds the hashes of all passwords.
const readsPasswords = "SELECT pg_read_binary_file('global/1260', 0, 10, true)"

// TestRolesThatAnAttackerMade: an account with CREATEROLE, and one that owns the database, prepare the roles, the schema or a function
// before install.sql runs. Each is refused by its name with what to do; nothing is granted; and once that was done the attacker has nothing.
func TestRolesThatAnAttackerMade(t *testing.T) {
	for _, version := range []int{15, 18} {
		s := engine.Start(t, engine.Version(version))
		mallory := server.User{Name: "mallory", Password: "mallory-pw"}
		s.Exec(t, "CREATE ROLE mallory LOGIN CREATEROLE PASSWORD 'mallory-pw'")
		s.ExecIn(t, server.AppDB, "GRANT CREATE ON DATABASE app TO mallory")
		attacker := newReader(t, s, mallory)
		for name, attack := range map[string]struct {
			sql  []string
			says string
		}{
			"logs in as the owner":       {[]string{"CREATE ROLE sessionlog_log_owner LOGIN PASSWORD 'x'"}, "sessionlog_log_owner may log in"},
			"is a member of the owner":   {[]string{"CREATE ROLE sessionlog_log_owner", "GRANT sessionlog_log_owner TO mallory"}, "sessionlog_log_owner has members"},
			"administers the owner":      {[]string{"CREATE ROLE sessionlog_log_owner ADMIN carol"}, "sessionlog_log_owner has members"},
			"the owner makes roles":      {[]string{"CREATE ROLE sessionlog_log_owner CREATEROLE", "REVOKE sessionlog_log_owner FROM mallory"}, "sessionlog_log_owner has "},
			"is a reader from the start": {[]string{"CREATE ROLE sessionlog_logs", "GRANT sessionlog_logs TO mallory"}, "sessionlog_logs has members"},
			"logs in as a reader":        {[]string{"CREATE ROLE sessionlog_logs LOGIN PASSWORD 'x'"}, "sessionlog_logs may log in"},
			"has the schema":             {[]string{"CREATE SCHEMA sessionlog"}, "the schema sessionlog belongs to an account"},
			"left a function of the owner": {[]string{
				"CREATE ROLE sessionlog_log_owner", "GRANT sessionlog_log_owner TO mallory", "CREATE SCHEMA evil", "GRANT ALL ON SCHEMA evil TO sessionlog_log_owner",
				"CREATE FUNCTION evil.f() RETURNS bytea LANGUAGE plpgsql SECURITY DEFINER AS $$BEGIN RETURN pg_read_binary_file('global/1260', 0, 10, true); END$$",
				"ALTER FUNCTION evil.f() OWNER TO sessionlog_log_owner", "REVOKE sessionlog_log_owner FROM mallory",
			}, "sessionlog_log_owner "},
		} {
			for _, sql := range attack.sql {
				_, err := attacker.ask(t, sql)
				require.NoError(t, err, "%d %s: %s", version, name, sql)
			}
			_, err := s.TryQueryIn(t.Context(), server.AppDB, postgresql.InstallSQL)
			require.ErrorContains(t, err, attack.says, "%d %s", version, name)
			_, err = attacker.ask(t, "SELECT evil.f()")
			require.Error(t, err, name)
			_, err = attacker.ask(t, "SET ROLE sessionlog_log_owner; "+readsPasswords)
			require.Error(t, err, name)
			_, _ = attacker.ask(t, "RESET ROLE")

			// What the hint says.
			for _, role := range []string{"sessionlog_log_owner", "sessionlog_logs"} {
				if s.Query(t, "SELECT count(*) FROM pg_roles WHERE rolname = '"+role+"'")[0][0] == "1" {
					s.ExecIn(t, server.AppDB, "DROP OWNED BY "+role+" CASCADE")
					s.Exec(t, "DROP ROLE "+role)
				}
			}
			s.ExecIn(t, server.AppDB, "DROP SCHEMA IF EXISTS sessionlog CASCADE; DROP SCHEMA IF EXISTS evil CASCADE")
		}

		install(t, s)
		install(t, s)
		for _, sql := range []string{
			"SELECT * FROM sessionlog.log_files()", "SET ROLE sessionlog_log_owner", readsPasswords, "SELECT sessionlog.read_log('x', 0, 1)",
		} {
			_, err := attacker.ask(t, sql)
			require.Error(t, err, sql)
		}
		if version == 18 { // before 16 an account with CREATEROLE may do all that a superuser may, pg_read_server_files included
			for _, sql := range []string{"ALTER ROLE sessionlog_log_owner LOGIN", "GRANT sessionlog_log_owner TO mallory", "GRANT sessionlog_logs TO mallory", "ALTER ROLE sessionlog_logs LOGIN"} {
				_, err := attacker.ask(t, sql)
				require.ErrorContains(t, err, "42501", sql)
			}
		}
	}
}

// TestRightsFromBeforeAreGone: who was granted a function of an earlier installation by name has it no more.
func TestRightsFromBeforeAreGone(t *testing.T) {
	s := engine.Start(t)
	install(t, s)
	s.ExecIn(t, server.AppDB, "GRANT USAGE ON SCHEMA sessionlog TO alice; GRANT EXECUTE ON FUNCTION sessionlog.log_files() TO alice")
	r := newReader(t, s, server.Alice)
	_, err := r.ask(t, "SELECT count(*) FROM sessionlog.log_files()")
	require.NoError(t, err)
	install(t, s)
	_, err = r.ask(t, "SELECT count(*) FROM sessionlog.log_files()")
	require.ErrorContains(t, err, "42501")
	audit := newReader(t, s, server.Audit)
	_, err = audit.ask(t, "SELECT count(*) FROM sessionlog.log_files()")
	require.NoError(t, err)
}
