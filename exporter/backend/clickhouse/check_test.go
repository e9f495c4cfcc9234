package clickhouse

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

var _ connectcheck.Checker = Config{}

// checkConnection: before the database is there, over both protocols, and with what is wrong named by its key.
func checkConnection(t *testing.T, ch *testengine.Server) {
	failed := func(cfg Config) map[string]string {
		bad := map[string]string{}
		for _, f := range cfg.CheckConnection(t.Context()) {
			require.NotContains(t, f.Detail, server.Admin.Password)
			if !f.OK {
				require.NotEmpty(t, f.Remedy)
				bad[f.Subject] = f.Key
			}
		}
		return bad
	}
	for _, protocol := range protocols {
		cfg := testConfig(t, ch, protocol)
		require.Empty(t, failed(cfg), protocol)
		wrong := cfg
		wrong.Password = "wrong"
		require.Equal(t, map[string]string{"login": "username"}, failed(wrong))
		wrong = cfg
		wrong.Cluster = "nowhere"
		require.Equal(t, map[string]string{"cluster": "cluster"}, failed(wrong))
		wrong = cfg
		wrong.CreateSchema, wrong.Database = false, "default"
		require.Equal(t, map[string]string{"schema": "create_schema"}, failed(wrong))
		wrong = cfg
		wrong.Username, wrong.Password = server.Guest.Name, ""
		require.Contains(t, failed(wrong), "grant "+wrong.neededGrants(true)[0])
	}
}
