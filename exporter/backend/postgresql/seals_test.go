package postgresql

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sealtest"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
)

func sealed(t *testing.T, pg *postgresql.Server) {
	sealtest.RunStored(t, func(t *testing.T) sealtest.Database { return sealedSchema{usedConfig(t, pg)} })
}

// sealedSchema is a schema that somebody else can write, too.
type sealedSchema struct{ cfg Config }

func (s sealedSchema) Open(t testing.TB, ttl time.Duration) backend.Backend {
	cfg := s.cfg
	cfg.TTL, cfg.TTLConfirm = ttl, true
	b, err := New(cfg, componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	return b
}

func (s sealedSchema) Ask(ctx context.Context) (query.Store, error) {
	return OpenQueryStore(ctx, s.cfg)
}

func (s sealedSchema) Update(t testing.TB, table, column, value, where string) {
	rowsOf(t, s.cfg, "UPDATE "+table+" SET "+column+" = "+value+" WHERE "+where)
}

func (s sealedSchema) Delete(t testing.TB, table, where string) {
	rowsOf(t, s.cfg, "DELETE FROM "+table+" WHERE "+where)
}

func (s sealedSchema) CopyEvents(t testing.TB, where string, id session.ID) {
	columns := columnNames()
	rowsOf(t, s.cfg, "INSERT INTO session_events ("+columns+") SELECT "+strings.Replace(columns, "record_id", "'"+id.String()+"'", 1)+" FROM session_events WHERE "+where)
}

func (s sealedSchema) Respell(t testing.TB, where string) {
	s.Update(t, "session_events", "attributes", `attributes || '{"size": 7}'`, where)
}

func (sealedSchema) Repeat(testing.TB, string) bool { return false }

func (s sealedSchema) Bytes(b []byte) string { return fmt.Sprintf(`'\x%x'`, b) }

func (s sealedSchema) Column(t testing.TB, sql string) (all []string) {
	for _, row := range rowsOf(t, s.cfg, sql).Cells {
		all = append(all, row[0])
	}
	return all
}

func (s sealedSchema) Disguise(t testing.TB, table, where string) bool {
	s.Update(t, table, "time", "time - interval '1 year'", where)
	return true
}

func BenchmarkSealedSingleRecords(b *testing.B) {
	pg := postgresql.Start(b)
	sealtest.BenchSingleRecords(b, func() sealtest.Database { return sealedSchema{testConfig(b, pg)} })
}
