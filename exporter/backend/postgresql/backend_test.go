package postgresql

import (
	"fmt"
	"testing"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/internal/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/session"
)

func TestBackend(t *testing.T) {
	for _, version := range []int{15, 18} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			server := postgresql.Start(t, postgresql.Version(version))
			backendtest.Run(t, backendtest.Harness{
				Dialect: backendtest.PostgreSQL,
				New:     func(t *testing.T) backendtest.Storage { return schema{testConfig(t, server)} },
			})
		})
	}
}

// schema is a schema of a database.
type schema struct{ cfg Config }

func (s schema) Backend(t *testing.T) backend.Backend { return newStore(t, s.cfg) }

func (s schema) Events(t *testing.T) []*session.Event { return readAll(t, s.cfg) }

func (s schema) Query(t *testing.T, sql string) backendtest.Rows { return rowsOf(t, s.cfg, sql) }
