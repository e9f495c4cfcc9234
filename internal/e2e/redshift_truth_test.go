package e2e

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"

	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
)

// rowsByHash counts rows, of which there may be a million, by a hash of all cells.
type rowsByHash map[[16]byte]seen

type seen struct {
	times   int
	example string
}

func (r rowsByHash) add(row string) {
	sum := sha256.Sum256([]byte(row))
	key := [16]byte(sum[:16])
	s := r[key]
	if s.times++; len(r) < 100_000 {
		s.example = row
	}
	r[key] = s
}

// addPostgreSQL adds the rows that a superuser sees behind the stand-in.
func (r rowsByHash) addPostgreSQL(t *testing.T, s *redshift.Server, sql string) {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable", redshift.Admin.Name, redshift.Admin.Password,
		s.PostgreSQL.Address, redshift.Database))
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	results := conn.Exec(t.Context(), sql)
	for results.NextResult() {
		rows := results.ResultReader()
		for rows.NextRow() {
			var b strings.Builder
			for _, cell := range rows.Values() {
				b.Write(cell)
				b.WriteString("¦")
			}
			r.add(b.String())
		}
	}
	require.NoError(t, results.Close())
}

func (r rowsByHash) addSQLite(t *testing.T, file, sql string) {
	t.Helper()
	conn, err := sqlite.OpenConn(file, sqlite.OpenReadOnly)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	stmt, err := conn.Prepare(sql)
	require.NoError(t, err)
	for {
		more, err := stmt.Step()
		require.NoError(t, err)
		if !more {
			return
		}
		var b strings.Builder
		for i := range stmt.ColumnCount() {
			b.WriteString(stmt.ColumnText(i))
			b.WriteString("¦")
		}
		r.add(b.String())
	}
}

// requireEqual fails with a few of the rows that are there too often or too seldom.
func (r rowsByHash) requireEqual(t *testing.T, got rowsByHash) {
	t.Helper()
	var wrong []string
	for key, want := range r {
		if n := got[key].times; n != want.times && len(wrong) < 5 {
			wrong = append(wrong, fmt.Sprintf("%d times instead of %d: %s", n, want.times, want.example))
		}
	}
	for key, s := range got {
		if r[key].times == 0 && len(wrong) < 10 {
			wrong = append(wrong, fmt.Sprintf("%d times, and not in the log: %s", s.times, s.example))
		}
	}
	require.Empty(t, wrong)
}
