package postgresql

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
)

// TestBackend runs all of the suite on the oldest version, which knows the least SQL; on the newest, what goes over the wire and the views.
// TestStore is on the newest.
func TestBackend(t *testing.T) {
	t.Parallel()
	for _, version := range []int{15, 18} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			server := startServer(t, postgresql.Version(version))
			harness := backendtest.Harness{
				Dialect: backendtest.PostgreSQL,
				New: func(t *testing.T) backendtest.Storage {
					if strings.HasSuffix(t.Name(), "/TwoStartAtOnce") {
						return schema{testConfig(t, server)}
					}
					return schema{usedConfig(t, server)}
				},
			}
			if version == 15 {
				backendtest.Run(t, harness)
				return
			}
			backendtest.RunPart(t, harness, backendtest.Wire|backendtest.Spread)
		})
	}
}

// TestStore runs all that one server can serve: each test has a schema of its own.
func TestStore(t *testing.T) {
	pg := startServer(t)
	for _, c := range []struct {
		name string
		test func(*testing.T, *postgresql.Server)
	}{
		{"Seals", sealed},
		{"SummaryCountsEachEvent", summaryCountsEachEvent},
		{"Months", months},
		{"IndexesBehindABacklog", indexesBehindABacklog},
		{"NoQuestionWalksATable", noQuestionWalksATable},
		{"MonthFromDefault", monthFromDefault},
		{"ManyMonthsAtOnce", manyMonthsAtOnce},
		{"Retention", monthsExpire},
		{"TTLWaits", ttlWaits},
		{"WrongClock", wrongClock},
		{"LongPause", longPause},
		{"ClockLeapsWhileRunning", clockLeapsWhileRunning},
		{"OneClockIsWrong", oneClockIsWrong},
		{"RecordsOfTheFuture", recordsOfTheFuture},
		{"TwoExpireAtOnce", twoExpireAtOnce},
		{"Zones", zones},
		{"ForcedCommit", forcedCommit},
		{"CheckConnection", checkConnection},
		{"RemediesNameQuoted", remediesNameQuoted},
		{"StrangeDatabases", strangeDatabases},
		{"YoungAtTheLastMoment", youngAtTheLastMoment},
		{"ServerRefusesRecords", serverRefusesRecords},
		{"AnotherUniqueKey", anotherUniqueKey},
		{"HugeRecord", hugeRecord},
		{"HugeRefusal", hugeRefusal},
		{"ManyChunks", manyChunks},
		{"TwoCollectors", twoCollectors},
		{"CancelledWhileLocked", cancelledWhileLocked},
		{"StartFails", startFails},
		{"Failover", failover},
		{"StartWhileRead", startWhileRead},
		{"LeastPrivilege", leastPrivilege},
		{"SchemaByHand", schemaByHand},
		{"ViewsOfANewerProgram", viewsOfANewerProgram},
		{"SysConnectionLog", sysConnectionLog},
		{"ErrorsHoldNoValue", errorsHoldNoValue},
		{"ShutdownInterrupts", shutdownInterrupts},
		{"MigrationsByHand", migrationsByHand},
		{"AddedColumn", addedColumn},
		{"ViewOfTheirs", viewOfTheirs},
		{"NamesThatAreTaken", namesThatAreTaken},
		{"ViewIsRead", viewIsRead},
		{"BeforeTheFirstRelease", beforeTheFirstRelease},
		{"RedshiftWords", redshiftWords},
		{"BrokenRow", brokenRow},
		{"NewerSchema", newerSchema},
		{"TablePrefix", tablePrefix},
		{"Erasure", erasure},
		{"Dashboards", dashboards},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, pg) })
	}
}

// zones: the same questions have the same answers, whatever the zone of the server and its sessions.
func zones(t *testing.T, pg *postgresql.Server) {
	for _, zone := range backendtest.ServerZones {
		t.Run(zone, func(t *testing.T) {
			pg.Exec(t, "ALTER SYSTEM SET timezone = '"+zone+"'")
			pg.Exec(t, "SELECT pg_reload_conf()")
			defer func() {
				pg.Exec(t, "ALTER SYSTEM RESET timezone")
				pg.Exec(t, "SELECT pg_reload_conf()")
			}()
			cfg := usedConfig(t, pg)
			require.Eventually(t, func() bool { return rowsOf(t, cfg, "SHOW timezone").Cells[0][0] == zone }, 30*time.Second, 10*time.Millisecond)
			backendtest.RunInZone(t, backendtest.Harness{
				Dialect: backendtest.PostgreSQL,
				New:     func(*testing.T) backendtest.Storage { return schema{cfg} },
			})
		})
	}
}

// schema is a schema of a database.
type schema struct{ cfg Config }

func (s schema) Backend(t *testing.T) backend.Backend { return newStore(t, s.cfg) }

func (s schema) Ask(t *testing.T) query.Store {
	store, err := OpenQueryStore(t.Context(), s.cfg)
	require.NoError(t, err)
	return store
}

func (s schema) Events(t *testing.T) []*session.Event { return readAll(t, s.cfg) }

func (s schema) Query(t *testing.T, sql string) backendtest.Rows { return rowsOf(t, s.cfg, sql) }

// sysConnectionLog has the columns of Redshift's view, in its order.
func sysConnectionLog(t *testing.T, pg *postgresql.Server) {
	cfg := usedConfig(t, pg)
	s := startStore(t, cfg)
	e := at(time.Unix(1_790_000_000, 123_456_789), "alice")
	e.System, e.PID, e.SessionID, e.Duration = session.SystemRedshift, 7, "guid", 5_000
	e.Extra = []session.Attr{{Key: session.SourceField + "remote_host", Value: "::ffff:10.0.0.1"}, {Key: session.SourceField + "mtu", Value: "1500"}}
	write1(t, s, seq(e))
	got := rowsOf(t, cfg, "SELECT * FROM sys_connection_log")
	require.Equal(t, strings.Fields(`event record_time remote_host remote_port session_id database_name user_name auth_method duration ssl_version
		ssl_cipher mtu ssl_compression ssl_expansion iam_auth_guid application_name driver_version os_version plugin_name protocol_version
		global_session_id`), got.Columns[:21])
	require.Equal(t, [][]string{{
		"authenticated", "2026-09-21 14:13:20.123456", "::ffff:10.0.0.1", "", "7", "", "alice", "", "5", "", "", "1500", "", "", "", "", "", "", "", "0",
		"guid", "test",
	}}, got.Cells)
}
