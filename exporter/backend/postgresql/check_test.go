package postgresql

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/internal/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/internal/testengine/postgresql/server"
)

var _ connectcheck.Checker = Config{}

// checkConnection: before and after the schema is made, and with an account that lacks its grants; nothing is made by looking.
func checkConnection(t *testing.T, pg *postgresql.Server) {
	failed := func(cfg Config) map[string]string {
		bad := map[string]string{}
		for _, f := range cfg.CheckConnection(t.Context()) {
			require.NotContains(t, f.Detail, server.Alice.Password)
			if !f.OK && f.Subject != "fsync" { // off for these tests
				require.NotEmpty(t, f.Remedy)
				bad[f.Subject] = f.Key
			}
		}
		return bad
	}
	cfg := testConfig(t, pg)
	require.Empty(t, failed(cfg))
	require.False(t, exists(t, cfg, "session_events"), "nothing is made by looking")
	wrong := cfg
	wrong.Password = "wrong"
	require.Equal(t, map[string]string{"login": "username"}, failed(wrong))
	wrong = cfg
	wrong.Database = "nowhere"
	require.Equal(t, map[string]string{"login": "database"}, failed(wrong))
	stopStore(t, started(t, cfg))
	require.Empty(t, failed(cfg))
	audit := cfg
	audit.CreateSchema = false
	audit.Username, audit.Password = server.Audit.Name, configopaque.String(server.Audit.Password)
	rowsOfMany(t, cfg, "GRANT USAGE ON SCHEMA "+cfg.Schema+" TO audit; GRANT SELECT ON sessionlog_migrations TO audit")
	require.Equal(t, map[string]string{"grant INSERT, SELECT on session_events": "username", "grant INSERT, SELECT on session_conflicts": "username"}, failed(audit))
	rowsOfMany(t, cfg, "GRANT INSERT, SELECT ON session_events, session_conflicts TO audit")
	require.Empty(t, failed(audit))
}
