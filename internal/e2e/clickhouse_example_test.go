package e2e

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/logins"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// TestTheClickHouseExampleRuns: examples/clickhouse-backend as it stands, with real logins and pushed ones, source and store in one server.
func TestTheClickHouseExampleRuns(t *testing.T) {
	t.Parallel()
	s := testengine.ClickHouse(t)
	address := freeAddress(t)
	col := newCollector(t, "", "")
	col.config = filepath.Join("..", "..", "examples", "clickhouse-backend", "collector.yaml")
	col.env = environment(map[string]string{
		"CLICKHOUSE_ENDPOINT": "clickhouse://" + s.Native, "CLICKHOUSE_USER": server.Admin.Name, "CLICKHOUSE_PASSWORD": server.Admin.Password,
		"CLICKHOUSE_INTERVAL": "200ms", "OTLP_ENDPOINT": address, "SESSIONLOG_DATA": col.dir,
	})
	col.start(t)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	// No more than a year ago: the example keeps no longer.
	require.Eventually(t, func() bool { return post(t.Context(), client, address, 0, 20) }, patience, quick)
	login := logins.New(s.Native, s.HTTP)
	defer login.Close()
	session, made, err := login.Open(t.Context(), logins.Attempt{User: server.Bob.Name, Password: server.Bob.Password})
	require.NoError(t, err)
	require.True(t, made.OK)
	answer := func(sql string) string {
		rows, err := s.TryQuery(context.Background(), sql)
		if err != nil || len(rows) == 0 {
			return ""
		}
		return rows[0][0]
	}
	require.Eventually(t, func() bool {
		return answer("SELECT count() FROM audit.session_log WHERE user = 'bob' AND type = 'LoginSuccess' AND instance = 'warehouse' AND source_event = 'LoginSuccess' AND hostname != 'ch-0.example.net'") == "1"
	}, patience, quick)
	// The states are made behind the record, by the same insert.
	require.Eventually(t, func() bool {
		return answer("SELECT user_name FROM audit.open_sessions WHERE user_name = 'bob'") == "bob"
	}, patience, quick)
	require.NoError(t, session.Close())
	require.Eventually(t, func() bool { return answer("SELECT count() FROM audit.open_sessions WHERE user_name = 'bob'") == "0" }, patience, quick)
	require.Equal(t, "20", answer("SELECT count() FROM audit.session_log WHERE hostname = 'ch-0.example.net'"))
	col.stop(t)
}
