package clickhouse

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine"
)

// TestLeastPrivilege: the grants that README.md prints are enough where somebody else makes the schema.
func TestLeastPrivilege(t *testing.T) {
	server := testengine.ClickHouse(t, testengine.LogsOnDemand(), sessionlogMay(documentedGrants(t, "With `create_schema: false`:")...))
	cfg := testConfig(t, server, "native")
	cfg.Database = "audit"
	stopStore(t, startedStore(t, cfg))
	for _, protocol := range protocols {
		writer := cfg
		writer.Endpoints = []string{endpoint(server, protocol)}
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

// documentedGrants are those of the SQL that follows a text of README.md.
func documentedGrants(t *testing.T, after string) (grants []string) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, text, found := strings.Cut(string(readme), after+"\n```sql\n")
	require.True(t, found)
	text, _, _ = strings.Cut(text, "```")
	for _, m := range regexp.MustCompile(`(?m)^GRANT (.*) TO sessionlog;$`).FindAllStringSubmatch(text, -1) {
		grants = append(grants, m[1])
	}
	require.NotEmpty(t, grants)
	return grants
}

// sessionlogMay gives the account sessionlog these grants and no others.
func sessionlogMay(grants ...string) testengine.Option {
	xml := "<query>GRANT SELECT ON system.one</query>"
	for _, grant := range grants {
		xml += "<query>GRANT " + grant + "</query>"
	}
	return testengine.Users("<users><sessionlog><password>secret</password><networks><ip>::/0</ip></networks>" +
		"<profile>default</profile><quota>default</quota><grants>" + xml + "</grants></sessionlog></users>")
}

func sessionlogConfig(t *testing.T, server *testengine.Server, protocol string) Config {
	cfg := testConfig(t, server, protocol)
	cfg.Database, cfg.Username, cfg.Password = "audit", "sessionlog", "secret"
	return cfg
}

// missingGrants are those that a check of the connection finds missing; its remedies give them.
func missingGrants(t *testing.T, cfg Config) (grants []string) {
	for _, f := range cfg.CheckConnection(t.Context()) {
		if grant, ok := strings.CutPrefix(f.Remedy, "GRANT "); ok && !f.OK {
			grants = append(grants, strings.TrimSuffix(grant, " TO sessionlog"))
		}
	}
	return grants
}

// TestPrivilegesToMakeTheSchema: the grants that README.md prints are those that a check finds missing, and with them alone a schema is
// made, migrated, changed and written.
func TestPrivilegesToMakeTheSchema(t *testing.T) {
	documented := documentedGrants(t, "With `create_schema: true`:")
	server := testengine.ClickHouse(t, testengine.LogsOnDemand(), sessionlogMay())
	require.Equal(t, documented, missingGrants(t, sessionlogConfig(t, server, "native")))
	server.Restart(t, sessionlogMay(documented...))
	makeSchemaWithGrants(t, server, sessionlogConfig(t, server, "http"))
}

// makeSchemaWithGrants has all that a start may have to change.
func makeSchemaWithGrants(t *testing.T, server *testengine.Server, cfg Config) {
	require.Empty(t, missingGrants(t, cfg))
	s := startedStore(t, cfg)
	require.Equal(t, backend.Result{Written: 10}, write1(t, s, typical(0, 10)))
	stopStore(t, s)
	changed := cfg
	changed.Fsync, changed.TTL, changed.Sessions.AssumedClosedAfter = false, 1_000_000*time.Hour, time.Hour
	for _, c := range []Config{changed, cfg} {
		s = newerStore(t, c)
		require.NoError(t, s.Start(t.Context()))
		require.Equal(t, backend.Result{Duplicates: 10}, write1(t, s, typical(0, 10)))
		stopStore(t, s)
	}
	require.Len(t, readAll(t, cfg), 10)
}

func grantsOnCluster(t *testing.T) []string {
	return append(documentedGrants(t, "With `create_schema: true`:")[:3], documentedGrants(t, "With `cluster` the fourth is")...)
}

// clusterPrivileges are enough, as on one server, for the schema that the steps behind this one use, whichever of two nodes answers.
func clusterPrivileges(t *testing.T, c *testengine.Cluster, _ Config) {
	cfg := sessionlogConfig(t, c.Nodes()[0], "native")
	_, address := startBalancer(t, c.Shards[0]...)
	cfg.Endpoints, cfg.Cluster = []string{address}, c.Name
	require.Empty(t, missingGrants(t, cfg))
	s := startStore(t, cfg)
	require.Equal(t, backend.Result{Written: 10}, write1(t, s, typical(0, 10)))
	require.Len(t, readAll(t, cfg), 10)
	l := &serverConn{eventStore: s}
	defer l.closeConn()
	complete, err := s.completeNodes(t.Context(), l)
	require.NoError(t, err)
	require.True(t, complete)
	truncateOnShards(t, c, cfg.Database)
}

// TestGrantsMissing: what an account lacks need not be a grant.
func TestGrantsMissing(t *testing.T) {
	account := func(name, profile, quota string) string {
		return "<" + name + "><password>secret</password><networks><ip>::/0</ip></networks><profile>" + profile + "</profile><quota>" + quota + "</quota></" + name + ">"
	}
	server := testengine.ClickHouse(t, testengine.LogsOnDemand(), testengine.Users("<profiles><reader><readonly>1</readonly></reader></profiles>"+
		"<quotas><few><interval><duration>3600</duration><queries>1</queries></interval></few></quotas>"+
		"<users>"+account("reader", "reader", "default")+account("spent", "default", "few")+"</users>"))
	cfg := sessionlogConfig(t, server, "native")
	t.Run("Readonly", func(t *testing.T) {
		cfg.Username = "reader"
		require.Empty(t, missingGrants(t, cfg))
		findings := cfg.CheckConnection(t.Context())
		last := findings[len(findings)-1]
		require.False(t, last.OK)
		require.Contains(t, last.Remedy, "readonly")
		s := newStore(t, cfg)
		require.ErrorContains(t, s.Start(t.Context()), "give it a profile without")
		stopStore(t, s)
	})
	t.Run("QuotaUsedUp", func(t *testing.T) {
		cfg.Username = "spent"
		outside := cfg.connOutsideDatabase()
		defer outside.closeConn()
		findings := cfg.checkGrants(t.Context(), outside)
		require.Len(t, findings, len(cfg.neededGrants(false)))
		for _, f := range findings {
			require.False(t, f.OK, f.Subject)
			require.Contains(t, f.Detail, "could not be asked: ")
			require.Equal(t, "username", f.Key)
			require.Contains(t, f.Remedy, "SHOW GRANTS FOR spent")
		}
		require.Len(t, cfg.checkGrants(t.Context(), outside), 1, "not even whether the database is there")
	})
}
