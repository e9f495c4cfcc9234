package postgresql

import (
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
)

func startFails(t *testing.T, pg *postgresql.Server) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	pg.Exec(t, "CREATE ROLE reader LOGIN PASSWORD 'x'")
	pg.Exec(t, "ALTER ROLE reader SET default_transaction_read_only = on")
	pg.Exec(t, "CREATE ROLE hasty LOGIN PASSWORD 'x'")
	pg.Exec(t, "ALTER ROLE hasty SET statement_timeout = '1ms'")
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   error
		says   string
	}{
		{"password", func(c *Config) { c.Password = "wrong" }, configpostgresql.ErrLogin, "password"},
		{"database", func(c *Config) { c.Database = "nowhere" }, configpostgresql.ErrDatabase, "database"},
		{"no CONNECT", func(c *Config) { c.Database = server.SealedDB }, configpostgresql.ErrDatabase, "CONNECT"},
		{"endpoint", func(c *Config) { c.Endpoints = []string{closed.Addr().String()} }, configpostgresql.ErrUnreachable, "endpoints"},
		{"schema", func(c *Config) { c.Schema = "nowhere" }, ErrNoSchema, "schema"},
		{"read-only account", func(c *Config) { c.Username, c.Password = "reader", "x" }, configpostgresql.ErrReadOnly, "default_transaction_read_only"},
		{"hasty account", func(c *Config) { c.Username, c.Password = "hasty", "x" }, ErrCutOff, "statement_timeout"},
		{"privilege", func(c *Config) { c.Schema = "information_schema" }, ErrPrivilege, "grants"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := testConfig(t, pg)
			c.change(&cfg)
			s := newStore(t, cfg)
			err := s.Start(t.Context())
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), server.Alice.Password)
			stopStore(t, s)
		})
	}
}

// TestRedshiftIsRefused before anything is sent to it.
func TestRedshiftIsRefused(t *testing.T) {
	t.Parallel()
	server := redshift.Start(t, redshift.PostgreSQL(postgresql.Version(15), postgresql.Setting("fsync", "off")))
	cfg := validConfig()
	cfg.Endpoints, cfg.Database = []string{server.Address}, redshift.Database
	cfg.Username, cfg.Password = redshift.Writer.Name, configopaque.String(redshift.Writer.Password)
	s := newStore(t, cfg)
	err := s.Start(t.Context())
	stopStore(t, s)
	require.ErrorIs(t, err, backend.ErrMisconfigured)
	require.ErrorContains(t, err, "Redshift is read, not written to")
}

// failover: the second endpoint takes over, and comes back to the first.
func failover(t *testing.T, pg *postgresql.Server) {
	cfg := usedConfig(t, pg)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	cfg.Endpoints = []string{closed.Addr().String(), pg.SocketDir + ":" + pg.Address[strings.LastIndexByte(pg.Address, ':')+1:], pg.Address}
	s := startStore(t, cfg)
	require.Equal(t, 10, write1(t, s, typical(0, 10)).Written)
}

// startWhileRead: somebody's long query keeps months from being made, and nobody from starting and writing.
func startWhileRead(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	stopStore(t, started(t, cfg))
	later := time.Now().AddDate(1, 0, 0)
	reader := &eventStore{cfg: cfg, log: nopLogger()}
	conn, err := reader.openServerConn(t.Context())
	require.NoError(t, err)
	defer closeGracefully(conn)
	require.NoError(t, execStatements(t.Context(), conn, "BEGIN; SELECT count(*) FROM session_events"))

	s := newStore(t, cfg)
	s.now = func() time.Time { return later }
	s.lockTimeout = 50 * time.Millisecond
	require.NoError(t, s.Start(t.Context()))
	defer stopStore(t, s)
	require.Equal(t, 2, write1(t, s, seq(at(later, "a"), at(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), "b"))).Written)
	require.Equal(t, map[string]string{"session_events_default": "2"}, partitionsOf(t, cfg))

	require.NoError(t, execStatements(t.Context(), conn, "COMMIT"))
	require.NoError(t, s.withNewConn(t.Context(), s.makeComingMonths))
	require.Equal(t, map[string]string{"session_events_default": "1", monthOfMillis(later.UnixMilli()).name: "1"}, partitionsOf(t, cfg))
}

// grantsOfREADME are the statements that README.md prints, for the schema of cfg and the account audit.
func grantsOfREADME(t *testing.T, cfg Config, which func(statement string) bool) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	given := 0
	for _, m := range regexp.MustCompile(`(?m)^GRANT .* TO sessionlog;$`).FindAllString(string(readme), -1) {
		if !which(m) {
			continue
		}
		m = strings.ReplaceAll(m, "sessionlog.session", cfg.Schema+".session")
		m = strings.ReplaceAll(m, "SCHEMA sessionlog ", "SCHEMA "+cfg.Schema+" ")
		m = strings.ReplaceAll(m, "DATABASE audit ", "DATABASE "+server.AppDB+" ")
		m = strings.Replace(m, "TO sessionlog;", "TO "+server.Audit.Name+";", 1)
		rowsOfMany(t, cfg, m)
		given++
	}
	require.Positive(t, given)
}

// leastPrivilege: exactly the grants that README.md prints are enough where somebody else makes the schema.
func leastPrivilege(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	stopStore(t, started(t, cfg))
	rowsOfMany(t, cfg, "REVOKE TEMPORARY ON DATABASE "+server.AppDB+" FROM PUBLIC") // which has it at first
	defer rowsOfMany(t, cfg, "GRANT TEMPORARY ON DATABASE "+server.AppDB+" TO PUBLIC")
	forTTL := func(statement string) bool {
		return strings.HasPrefix(statement, "GRANT DELETE") || strings.Contains(statement, "sessionlog_settings")
	}
	grantsOfREADME(t, cfg, func(statement string) bool { return !forTTL(statement) })
	writer := cfg
	writer.CreateSchema = false
	writer.Username, writer.Password = server.Audit.Name, configopaque.String(server.Audit.Password)
	s := startStore(t, writer)
	first := at(time.Now(), "a")
	forged := *first
	forged.Outcome = session.OutcomeFailure
	require.Equal(t, backend.Result{Written: 1}, write1(t, s, seq(first)))
	require.Equal(t, backend.Result{Written: 1, Duplicates: 1, Conflicts: 1}, write1(t, s, seq(&forged, first, at(time.Now(), "b"))))
	require.Len(t, readAll(t, writer), 2)

	grantsOfREADME(t, cfg, forTTL)
	old := at(time.Now().Add(-100*24*time.Hour), "old")
	write1(t, s, seq(old))
	writer.TTL = 40 * 24 * time.Hour
	stopStore(t, started(t, writer))
	startStore(t, writer)
	require.Eventually(t, func() bool { return len(readAll(t, writer)) == 2 }, 30*time.Second, 10*time.Millisecond)
	require.Equal(t, [][]string{{"3456000"}}, rowsOf(t, cfg, "SELECT value FROM sessionlog_settings WHERE name = 'ttl'").Cells)
}

// forcedCommit: an account that has synchronous_commit off is written through with it on.
func forcedCommit(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	pg.Exec(t, "ALTER ROLE "+server.Alice.Name+" SET synchronous_commit = off")
	defer pg.Exec(t, "ALTER ROLE "+server.Alice.Name+" RESET synchronous_commit")
	conn, err := newStore(t, cfg).openServerConn(t.Context())
	require.NoError(t, err)
	defer closeGracefully(conn)
	rows, err := queryRows(t.Context(), conn, "SHOW synchronous_commit")
	require.NoError(t, err)
	require.Equal(t, [][]string{{"on"}}, rows)
}
