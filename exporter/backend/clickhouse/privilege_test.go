package clickhouse

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/testengine"
	"github.com/otel-sessionlog/sessionlog/session"
)

// TestLeastPrivilege: the grants that README.md prints are enough where somebody else makes the schema.
func TestLeastPrivilege(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	var grants strings.Builder
	for _, m := range regexp.MustCompile(`(?m)^(GRANT .*) TO sessionlog;$`).FindAllStringSubmatch(string(readme), -1) {
		grants.WriteString("<query>" + m[1] + "</query>")
	}
	require.NotEmpty(t, grants.String())
	server := testengine.ClickHouse(t, testengine.Users("<users><sessionlog><password>secret</password><networks><ip>::/0</ip></networks>"+
		"<profile>default</profile><quota>default</quota><grants>"+grants.String()+"</grants></sessionlog></users>"))
	cfg := testConfig(t, server, "native")
	cfg.Database = "audit"
	stopStore(t, startedStore(t, cfg))
	for _, door := range doors {
		writer := cfg
		writer.Endpoints = []string{endpoint(server, door)}
		writer.Username, writer.Password, writer.CreateSchema = "sessionlog", "secret", false
		s := startStore(t, writer)
		server.Exec(t, "TRUNCATE TABLE audit.session_events")
		server.Exec(t, "TRUNCATE TABLE audit.session_conflicts")
		first := &session.Event{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, RecordID: session.ID{6: 0x80, 15: 1}, SessionKey: session.ID{1}, Time: 1}
		forged := *first
		forged.Outcome = session.OutcomeFailure
		require.Equal(t, backend.Result{Written: 1}, write1(t, s, seq(first)))
		require.Equal(t, backend.Result{Duplicates: 1, Conflicts: 1}, write1(t, s, seq(&forged, first)))
		require.Len(t, readAll(t, writer), 1)
	}
	require.Equal(t, "1", count(t, server, cfg, "SELECT count() FROM sessions"))
}
