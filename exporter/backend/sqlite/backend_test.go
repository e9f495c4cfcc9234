package sqlite

import (
	"testing"

	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

func TestBackend(t *testing.T) {
	backendtest.Run(t, backendtest.Harness{
		Dialect: backendtest.SQLite,
		New:     func(t *testing.T) backendtest.Storage { return summedFile{file{testConfig(t)}} },
	})
}

// TestZones: no question depends on the machine's zone.
func TestZones(t *testing.T) {
	for _, zone := range backendtest.ServerZones {
		t.Run(zone, func(t *testing.T) {
			t.Setenv("TZ", zone)
			backendtest.RunInZone(t, backendtest.Harness{
				Dialect: backendtest.SQLite,
				New:     func(t *testing.T) backendtest.Storage { return file{testConfig(t)} },
			})
		})
	}
}

// file is a database file.
type file struct{ cfg Config }

func (f file) Backend(t *testing.T) backend.Backend { return newStore(t, f.cfg) }

func (f file) Ask(t *testing.T) query.Store {
	store, err := OpenQueryStore(t.Context(), f.cfg)
	require.NoError(t, err)
	return store
}

// summedFile is one of which half the rows are in the summary, and the others not yet.
type summedFile struct{ file }

func (f summedFile) Ask(t *testing.T) query.Store {
	conn, err := f.cfg.openDurableConn(t.Context())
	require.NoError(t, err)
	all, err := f.cfg.readPartitions(conn, nil)
	require.NoError(t, err)
	summedUpTo, err := f.cfg.readSetting(conn, summarySetting)
	require.NoError(t, err)
	if half := all.nextArrival / 2; half > summedUpTo {
		require.NoError(t, f.cfg.inTransaction(t.Context(), conn, "counting", func() error { return f.cfg.countRowsInTransaction(conn, summedUpTo, half) }))
	}
	require.NoError(t, conn.Close())
	return f.file.Ask(t)
}

func (f file) Events(t *testing.T) []*session.Event { return readAll(t, f.cfg) }

func (f file) Query(t *testing.T, sql string) (rows backendtest.Rows) {
	t.Helper()
	conn, err := sqlite.OpenConn(f.cfg.Path, sqlite.OpenReadOnly)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	stmt, _, err := conn.PrepareTransient(sql)
	require.NoError(t, err)
	defer func() { require.NoError(t, stmt.Finalize()) }()
	for c := range stmt.ColumnCount() {
		rows.Columns = append(rows.Columns, stmt.ColumnName(c))
	}
	for {
		more, err := stmt.Step()
		require.NoError(t, err)
		if !more {
			return rows
		}
		cells := make([]string, len(rows.Columns))
		for c := range cells {
			if cells[c] = stmt.ColumnText(c); stmt.ColumnIsNull(c) {
				cells[c] = "NULL"
			}
		}
		rows.Cells = append(rows.Cells, cells)
	}
}
