package clickhouse

import (
	"context"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sealtest"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine"
)

func sealed(t *testing.T, server *testengine.Server) {
	sealtest.RunStored(t, func(t *testing.T) sealtest.Database {
		return sealedDatabase{server, usedConfig(t, server, "native")}
	})
}

// sealedDatabase is one that somebody else can write, too.
type sealedDatabase struct {
	server *testengine.Server
	cfg    Config
}

func (d sealedDatabase) Open(t testing.TB, ttl time.Duration) backend.Backend {
	cfg := d.cfg
	cfg.TTL, cfg.TTLConfirm = ttl, true
	b, err := New(cfg, componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	return b
}

func (d sealedDatabase) Ask(ctx context.Context) (query.Store, error) {
	return OpenQueryStore(ctx, d.cfg)
}

const mutated = " SETTINGS mutations_sync = 1"

func (d sealedDatabase) Update(t testing.TB, table, column, value, where string) {
	name, clause := d.cfg.storingTable(table)
	d.server.Exec(t, "ALTER TABLE "+d.cfg.Database+"."+name+clause+" UPDATE "+column+" = "+value+" WHERE "+where+mutated)
}

func (d sealedDatabase) Delete(t testing.TB, table, where string) {
	name, clause := d.cfg.storingTable(table)
	d.server.Exec(t, "ALTER TABLE "+d.cfg.Database+"."+name+clause+" DELETE WHERE "+where+mutated)
}

func (d sealedDatabase) CopyEvents(t testing.TB, where string, id session.ID) {
	columns := strings.Join(columnNames(), ", ")
	table := d.cfg.Database + ".session_events"
	d.server.Exec(t, "INSERT INTO "+table+" ("+columns+") SELECT "+strings.Replace(columns, "record_id", d.Bytes(id[:])+" AS id", 1)+" FROM "+table+" WHERE "+where)
}

func (d sealedDatabase) Respell(t testing.TB, where string) {
	d.Update(t, "session_events", "attributes", "mapFromArrays(arrayReverse(mapKeys(attributes)), arrayReverse(mapValues(attributes))), attribute_types = reverse(attribute_types)", where)
}

func (d sealedDatabase) Repeat(t testing.TB, table string) bool {
	name := d.cfg.Database + "." + table
	d.server.Exec(t, "INSERT INTO "+name+" SELECT * FROM "+name)
	return true
}

func (d sealedDatabase) Bytes(b []byte) string { return "unhex('" + hex.EncodeToString(b) + "')" }

func (d sealedDatabase) Column(t testing.TB, sql string) []string {
	var all []string
	for _, row := range rowsOf(t, d.server, d.cfg.Database, sql).Cells {
		all = append(all, row[0])
	}
	return all
}

func (d sealedDatabase) Disguise(testing.TB, string, string) bool { return false }
