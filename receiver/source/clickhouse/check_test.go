package clickhouse

import (
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/rows"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// wrong are the findings that are not all right; none of them holds the password.
func wrong(t *testing.T, cfg Config) []connectcheck.Finding {
	t.Helper()
	all := cfg.CheckConnection(t.Context())
	require.NotEmpty(t, all)
	for _, f := range all {
		require.NotEmpty(t, f.Subject)
		require.NotEmpty(t, f.Detail)
		require.NotContains(t, f.Detail+f.Remedy, string(cfg.Password))
	}
	return slices.DeleteFunc(all, func(f connectcheck.Finding) bool { return f.OK })
}

// mistakes are what an operator may have written, with the key and the remedy that source and check name.
var mistakes = []struct {
	name        string
	change      func(*Config)
	key, remedy string
	says        string // the source
}{
	{"wrong password", func(c *Config) { c.Password = "another secret" }, "username", "ALTER USER audit IDENTIFIED BY", "check username and password"},
	{"database", func(c *Config) { c.Database = "nosuch" }, "database", "remove the key database", `database: the server has no database "nosuch"`},
	{"no grant", func(c *Config) { c.Username, c.Password = "erin", "erin-pw" }, "username", "GRANT SELECT ON system.session_log TO erin", "GRANT SELECT ON system.session_log TO erin"},
	{"a name that needs quotes", func(c *Config) { c.Username = `o'brien-"x"` }, "username", "ALTER USER `o'brien-\"x\"` IDENTIFIED BY", "check username and password"},
	{"no table", func(c *Config) { c.Table = "default.nowhere" }, "table", "write under table", "table: default.nowhere does not exist yet: create it, or correct the key table"},
	{"nobody there", func(c *Config) { c.Endpoints = []string{"127.0.0.1:1"} }, "endpoints", "server that is up", "connection refused"},
}

func TestMistakesAreReportedWithKeyAndRemedy(t *testing.T) {
	s := quiet.Get(t)
	s.FlushLogs(t)
	for _, protocol := range protocols {
		good := config(endpoint(s, protocol), server.Audit)
		require.Empty(t, wrong(t, good))
		for _, m := range mistakes {
			t.Run(protocol+" "+m.name, func(t *testing.T) {
				cfg := config(endpoint(s, protocol), server.Audit)
				m.change(&cfg)
				found := wrong(t, cfg)
				require.Len(t, found, 1)
				require.Equal(t, m.key, found[0].Key)
				require.Contains(t, found[0].Remedy, m.remedy)

				core, logs := observer.New(zap.WarnLevel)
				r := runLogged(t, cfg, nil, zap.New(core))
				eventually(t, "the status", func() bool { return r.lastStatus() != nil && r.stats.Counts().Failed > 2 })
				r.stop()
				require.ErrorContains(t, r.lastStatus(), m.says)
				require.Equal(t, 1, logs.Len(), "a warning, once: %v", logs.All())
				require.Contains(t, logs.All()[0].ContextMap()["error"], m.says)
				require.NotContains(t, logs.All()[0].ContextMap()["error"], string(cfg.Password))
			})
		}
	}
	http := config("http://"+s.Native, server.Audit)
	require.Contains(t, wrong(t, http)[0].Detail, "speaks the native protocol")
}

func TestCheckConnectionWithoutSessionLog(t *testing.T) {
	s := testengine.ClickHouse(t, testengine.NoSessionLog())
	found := wrong(t, config(endpoint(s, "native"), server.Admin))
	require.Len(t, found, 1)
	require.Equal(t, "table", found[0].Key)
	require.Contains(t, found[0].Remedy, "<session_log>")
}

func TestCheckConnectionOfACluster(t *testing.T) {
	c := testengine.ClickHouseCluster(t, 1, 2, testengine.NoReplication())
	first, second := c.Nodes()[0], c.Nodes()[1]
	first.FlushLogs(t)
	second.FlushLogs(t)
	require.Empty(t, wrong(t, clusterConfig(c, first)))
	unknown := clusterConfig(c, first)
	unknown.Cluster = "nosuch"
	require.Equal(t, "cluster", wrong(t, unknown)[0].Key)

	address := turnBalancer(t, first, second)
	several := wrong(t, config(address, server.Audit))
	require.Len(t, several, 1)
	require.Equal(t, "all_replicas", several[0].Key)
	require.Contains(t, several[0].Remedy, "all_replicas")
	require.Empty(t, wrong(t, balanced(address)))
	ungranted := config(address, server.Audit)
	ungranted.AllReplicas = c.Name
	require.Contains(t, wrong(t, ungranted)[0].Remedy, "GRANT READ ON REMOTE TO audit")
	unnamed := balanced(address)
	unnamed.AllReplicas = "nosuch"
	require.Equal(t, "all_replicas", wrong(t, unnamed)[0].Key)

	second.Kill(t)
	found := wrong(t, clusterConfig(c, first))
	require.Len(t, found, 1)
	require.Equal(t, "cluster_port", found[0].Key)
	require.Contains(t, found[0].Subject, second.Native)
}

// TestGrantsPaste, with an account and a table whose names need quotes: the server understands the statement.
func TestGrantsPaste(t *testing.T) {
	s := quiet.Get(t)
	for _, statement := range []string{
		rows.GrantStatement(rows.TableName{Database: "system", Table: "session_log"}, `o'brien-"x"`),
		rows.GrantStatement(rows.TableName{Database: "my-logs", Table: "session-log"}, `o'brien-"x"`),
		rows.Log{Username: `o'brien-"x"`}.MissingGrant(errors.New("it's necessary to have the grant READ ON REMOTE. (ACCESS_DENIED)")),
	} {
		_, err := s.TryQuery(t.Context(), statement)
		require.ErrorContains(t, err, "There is no role `o'brien-\"x\"`", statement)
	}
}
