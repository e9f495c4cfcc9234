package clickhouse

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine"
)

func TestBackend(t *testing.T) {
	server := testengine.ClickHouse(t, testengine.LogsOnDemand())
	for _, protocol := range protocols {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			// Making the schema costs more than all that one test of the suite does with it.
			cfg := testConfig(t, server, protocol)
			stopStore(t, startedStore(t, cfg))
			harness := backendtest.Harness{
				Dialect: backendtest.ClickHouse,
				New: func(t *testing.T) backendtest.Storage {
					truncateStoringTables(t, server, cfg.Database, "", "")
					return database{server, cfg}
				},
			}
			if protocol != "native" {
				backendtest.RunPart(t, harness, backendtest.Wire)
				return
			}
			backendtest.Run(t, harness)
		})
	}
}

// truncateStoringTables empties all of them in one statement.
func truncateStoringTables(t testing.TB, server *testengine.Server, database, suffix, clause string) {
	t.Helper()
	server.Exec(t, "TRUNCATE TABLES FROM "+database+` LIKE 'session\\_%s`+suffix+"'"+clause)
}

// TestZones: the same questions have the same answers, whatever the zone of the server.
func TestZones(t *testing.T) {
	for _, zone := range backendtest.ServerZones {
		t.Run(zone, func(t *testing.T) {
			server := testengine.ClickHouse(t, testengine.LogsOnDemand(), testengine.Timezone(zone))
			require.Equal(t, [][]string{{zone}}, server.Query(t, "SELECT timezone()"))
			cfg := testConfig(t, server, "native")
			backendtest.RunInZone(t, backendtest.Harness{
				Dialect: backendtest.ClickHouse,
				New:     func(*testing.T) backendtest.Storage { return database{server, cfg} },
			})
		})
	}
}

// database is a database of a server.
type database struct {
	server *testengine.Server
	cfg    Config
}

func (d database) Backend(t *testing.T) backend.Backend { return newStore(t, d.cfg) }

func (d database) Ask(t *testing.T) query.Store {
	store, err := OpenQueryStore(t.Context(), d.cfg)
	require.NoError(t, err)
	return store
}

func (d database) Events(t *testing.T) []*session.Event { return readAll(t, d.cfg) }

func (d database) Query(t *testing.T, sql string) backendtest.Rows {
	return rowsOf(t, d.server, d.cfg.Database, sql)
}
