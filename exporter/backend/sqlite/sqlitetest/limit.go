// Package sqlitetest measures what SQLite could do at best, so that benchmarks of the backend and of the exporter can be read
// as a ratio.
package sqlitetest

import (
	"context"
	"encoding/binary"
	"errors"
	"iter"
	"path/filepath"
	"testing"

	"go.opentelemetry.io/collector/component/componenttest"
	driver "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// Batches makes batches of typical events, each batch new: the events are made once, and get new times and ids.
type Batches struct {
	events []session.Event
	maker  int
	round  int64
}

// NewBatches makes batches of this many events. Those of several makers have no event in common.
func NewBatches(size, maker int) *Batches {
	b := &Batches{events: make([]session.Event, size), maker: maker}
	for i := range b.events {
		sessiontest.Typical(&b.events[i], i)
	}
	return b
}

// Next is the next batch. It replaces the one before.
func (b *Batches) Next() iter.Seq2[int, *session.Event] {
	b.round++
	for i := range b.events {
		e := &b.events[i]
		e.Time += int64(len(b.events)) * 1_234_000
		e.Observed = e.Time + 7_500_000_000
		ms := uint64(e.Time / 1e6)
		binary.BigEndian.PutUint64(e.RecordID[:8], ms<<16|0x8000|ms&0x0fff)
		binary.BigEndian.PutUint16(e.RecordID[14:], uint16(b.maker))
		binary.BigEndian.PutUint64(e.SessionKey[8:], uint64(b.round)<<32|uint64(i/2))
	}
	return func(yield func(int, *session.Event) bool) {
		for i := range b.events {
			if !yield(i, &b.events[i]) {
				return
			}
		}
	}
}

// cell is a value as the driver takes it.
type cell struct {
	kind   driver.ColumnType
	number int64
	text   string
	blob   []byte
}

// Limit is the driver's fastest plain insert: the same rows, already in the driver's types, one prepared statement, no key, no
// index, nothing compared, in transactions of one batch, with the same settings. It reports records/s.
func Limit(b *testing.B, size int) {
	cfg := sqlite.DefaultConfig()
	cfg.Path = filepath.Join(b.TempDir(), "session_log.db")
	rows, err := storedRows(cfg, size)
	if err != nil {
		b.Fatal(err)
	}
	conn, insert, err := plainTable(cfg, len(rows[0]))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		if err := insertAll(conn, insert, rows); err != nil {
			b.Fatal(err)
		}
		n += len(rows)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}

// storedRows writes a batch through the backend and takes out what it stored.
func storedRows(cfg sqlite.Config, size int) (rows [][]cell, err error) {
	ctx := context.Background()
	b, err := sqlite.New(cfg, componenttest.NewNopTelemetrySettings())
	if err != nil {
		return nil, err
	}
	if err := b.Start(ctx); err != nil {
		return nil, err
	}
	_, err = b.Write(ctx, NewBatches(size, 0).Next())
	if err := errors.Join(err, b.Shutdown(ctx)); err != nil {
		return nil, err
	}
	conn, err := driver.OpenConn(cfg.Path, driver.OpenReadOnly)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	err = sqlitex.ExecuteTransient(conn, "SELECT * FROM session_events", &sqlitex.ExecOptions{ResultFunc: func(stmt *driver.Stmt) error {
		row := make([]cell, stmt.ColumnCount()-1) // the first is the rowid
		for i := range row {
			row[i] = cellOf(stmt, i+1)
		}
		rows = append(rows, row)
		return nil
	}})
	return rows, err
}

func cellOf(stmt *driver.Stmt, col int) cell {
	c := cell{kind: stmt.ColumnType(col)}
	switch c.kind {
	case driver.TypeInteger:
		c.number = stmt.ColumnInt64(col)
	case driver.TypeText:
		c.text = stmt.ColumnText(col)
	case driver.TypeBlob:
		c.blob = make([]byte, stmt.ColumnLen(col))
		stmt.ColumnBytes(col, c.blob)
	}
	return c
}

// plainTable has the columns of session_events and nothing else of it.
func plainTable(cfg sqlite.Config, columns int) (*driver.Conn, *driver.Stmt, error) {
	conn, err := driver.OpenConn(cfg.Path, driver.OpenReadWrite)
	if err != nil {
		return nil, nil, err
	}
	for _, sql := range append(cfg.Pragmas(), "CREATE TABLE plain AS SELECT * FROM session_events WHERE false", "ALTER TABLE plain DROP COLUMN arrival") {
		if err := sqlitex.ExecuteTransient(conn, sql, nil); err != nil {
			return nil, nil, errors.Join(err, conn.Close())
		}
	}
	insert := "INSERT INTO plain VALUES (?"
	for range columns - 1 {
		insert += ", ?"
	}
	stmt, err := conn.Prepare(insert + ")")
	return conn, stmt, err
}

func insertAll(conn *driver.Conn, insert *driver.Stmt, rows [][]cell) error {
	if err := sqlitex.ExecuteTransient(conn, "BEGIN IMMEDIATE", nil); err != nil {
		return err
	}
	for _, row := range rows {
		for i := range row {
			bind(insert, i+1, &row[i])
		}
		if _, err := insert.Step(); err != nil {
			return err
		}
		if err := insert.Reset(); err != nil {
			return err
		}
	}
	return sqlitex.ExecuteTransient(conn, "COMMIT", nil)
}

func bind(stmt *driver.Stmt, param int, c *cell) {
	switch c.kind {
	case driver.TypeInteger:
		stmt.BindInt64(param, c.number)
	case driver.TypeText:
		stmt.BindText(param, c.text)
	case driver.TypeBlob:
		stmt.BindBytes(param, c.blob)
	default:
		stmt.BindNull(param)
	}
}
