package postgresql

import (
	"fmt"
	"testing"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/internal/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/session"
)

// hasty spares the disk where nothing depends on it: each test makes tables of its own.
var hasty = postgresql.Setting("fsync", "off")

func TestBackend(t *testing.T) {
	t.Parallel()
	for _, version := range []int{15, 18} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			server := postgresql.Start(t, postgresql.Version(version), hasty)
			backendtest.Run(t, backendtest.Harness{
				Dialect: backendtest.PostgreSQL,
				New:     func(t *testing.T) backendtest.Storage { return schema{testConfig(t, server)} },
			})
		})
	}
}

// TestStore runs all that one server can serve: each test has a schema of its own.
func TestStore(t *testing.T) {
	pg := postgresql.Start(t, hasty)
	for _, c := range []struct {
		name string
		test func(*testing.T, *postgresql.Server)
	}{
		{"Months", months},
		{"MonthFromDefault", monthFromDefault},
		{"ManyMonthsAtOnce", manyMonthsAtOnce},
		{"Retention", retention},
		{"ServerRefusesRecords", serverRefusesRecords},
		{"AnotherUniqueKey", anotherUniqueKey},
		{"HugeRecord", hugeRecord},
		{"ManyChunks", manyChunks},
		{"TwoCollectors", twoCollectors},
		{"CancelledWhileLocked", cancelledWhileLocked},
		{"StartFails", startFails},
		{"Failover", failover},
		{"ErrorsHoldNoValue", errorsHoldNoValue},
		{"ShutdownInterrupts", shutdownInterrupts},
		{"MigrationsByHand", migrationsByHand},
		{"NewerSchema", newerSchema},
		{"TablePrefix", tablePrefix},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, pg) })
	}
}

// schema is a schema of a database.
type schema struct{ cfg Config }

func (s schema) Backend(t *testing.T) backend.Backend { return newStore(t, s.cfg) }

func (s schema) Events(t *testing.T) []*session.Event { return readAll(t, s.cfg) }

func (s schema) Query(t *testing.T, sql string) backendtest.Rows { return rowsOf(t, s.cfg, sql) }
