package postgresql

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/internal/testengine/postgresql/server"
	"github.com/otel-sessionlog/sessionlog/session"
)

func startFails(t *testing.T, pg *postgresql.Server) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
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

// failover: the second endpoint takes over, and comes back to the first.
func failover(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
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
	reader := &store{cfg: cfg, log: nopLogger()}
	conn, err := reader.connect(t.Context())
	require.NoError(t, err)
	defer logOut(conn)
	require.NoError(t, exec(t.Context(), conn, "BEGIN; SELECT count(*) FROM session_events"))

	s := newStore(t, cfg)
	s.now = func() time.Time { return later }
	s.patience = 50 * time.Millisecond
	require.NoError(t, s.Start(t.Context()))
	defer stopStore(t, s)
	require.Equal(t, 2, write1(t, s, seq(at(later, "a"), at(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), "b"))).Written)
	require.Equal(t, map[string]string{"session_events_default": "2"}, partitionsOf(t, cfg))

	require.NoError(t, exec(t.Context(), conn, "COMMIT"))
	require.NoError(t, s.keep(t.Context(), s.makeAhead))
	require.Equal(t, map[string]string{"session_events_default": "1", monthOf(later.UnixMilli()).name: "1"}, partitionsOf(t, cfg))
}

// leastPrivilege: the grants that README.md lists are enough where somebody else makes the schema.
func leastPrivilege(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	stopStore(t, started(t, cfg))
	rowsOfMany(t, cfg, "GRANT USAGE ON SCHEMA "+cfg.Schema+" TO audit; GRANT INSERT, SELECT ON session_events, session_conflicts TO audit;"+
		" GRANT SELECT ON sessionlog_migrations TO audit")
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

	rowsOfMany(t, cfg, "GRANT DELETE ON session_events, session_conflicts TO audit")
	old := at(time.Now().Add(-100*24*time.Hour), "old")
	write1(t, s, seq(old))
	writer.TTL = 40 * 24 * time.Hour
	startStore(t, writer)
	require.Eventually(t, func() bool { return len(readAll(t, writer)) == 2 }, 30*time.Second, 10*time.Millisecond)
}
