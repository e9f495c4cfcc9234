package backendtest

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/erasure"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Erased is the person whom Erasure removes: by name, by the hash of the name, and by the user's id.
const Erased = "Erasable.Person-1"

const (
	erasedHash = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"
	erasedID   = "erasable-id-7"
)

// Erasure erases one person as `sessionlog forget` does, runs the statements of docs/security.md for what is left of it on disks, and looks for the person in all
// these tables. The store is shut down before the statements. check is called before anything is erased.
func Erasure(t *testing.T, h Harness, s Storage, tables []string, check func(), run func(t *testing.T, statement string)) {
	t.Helper()
	b := s.Backend(t)
	require.NoError(t, b.Start(t.Context()))
	writeEvents(t, b, erasableEvents()...)
	writeEvents(t, b, typicalEvents(0, 300)...)
	forged := erasableEvents()[0]
	forged.Database = "another"
	others := typicalEvents(0, 1)[0]
	others.Database = "another"
	require.Equal(t, backend.Result{Conflicts: 2}, writeEvents(t, b, forged, others))
	shutdownBackend(t, b)
	for _, table := range tables {
		require.Positive(t, rowsOfErased(t, s, table), "%s has the person before", table)
	}
	check()
	erasePerson(t, s)
	for _, statement := range erasureStatements(t, h.Dialect) {
		run(t, statement)
	}
	for _, table := range tables {
		require.Zero(t, rowsOfErased(t, s, table), "%s after", table)
	}
	requireEvents(t, s, typicalEvents(0, 300)...)
	require.Equal(t, [][]string{{"1"}}, s.Query(t, "SELECT count(*) FROM session_conflicts").Cells)

	again := s.Backend(t)
	require.NoError(t, again.Start(t.Context()), "the store still works")
	require.Equal(t, backend.Result{Duplicates: 300}, writeEvents(t, again, typicalEvents(0, 300)...))
	shutdownBackend(t, again)
}

func erasePerson(t *testing.T, s Storage) {
	t.Helper()
	b, store := s.Backend(t), s.Ask(t)
	require.NoError(t, b.Start(t.Context()))
	choice := &erasure.Choice{}
	for _, name := range []string{Erased, erasedHash, erasedID} {
		choice.AddPerson(name)
	}
	x := erasure.Erasure{Backend: b.(backend.SealedBackend), Store: store, Reason: "a test"}
	records, err := x.Run(t.Context(), choice)
	require.NoError(t, err)
	require.Equal(t, len(erasableEvents()), records)
	require.NoError(t, store.Close())
	shutdownBackend(t, b)
}

// erasableEvents are records of the person: a session, a redacted failure, one with the id alone, and one as another. Many lie beside each other, so that none goes
// with a page of others.
func erasableEvents() (all []*session.Event) {
	now := time.Now().UnixNano()
	for n := range 200 {
		e := &session.Event{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, Time: now + int64(n), System: session.SystemPostgreSQL, SessionKey: session.ID{0: byte(n / 5), 1: 0xEE, 6: 0x80, 8: 0x80}}
		switch n % 5 {
		case 0:
			e.User, e.ClientAddress, e.Original = Erased, "192.0.2.66", "connection authorized: user="+Erased
		case 1:
			e.User, e.Kind = Erased, session.KindLogout
		case 2:
			e.UserHash, e.Outcome = erasedHash, session.OutcomeFailure
		case 3:
			e.UserID = erasedID
		case 4:
			e.User, e.ActorName = "batch", Erased
		}
		all = append(all, withNumberedID(e, 1_000_000+n))
	}
	return all
}

func rowsOfErased(t *testing.T, s Storage, table string) (n int) {
	t.Helper()
	for _, row := range s.Query(t, "SELECT * FROM "+table).Cells {
		text := strings.Join(row, " ")
		if strings.Contains(text, Erased) || strings.Contains(text, erasedHash) || strings.Contains(text, erasedID) {
			n++
		}
	}
	return n
}

// erasureStatements are those of the block that begins with the store's name.
func erasureStatements(t *testing.T, dialect Dialect) (statements []string) {
	t.Helper()
	doc, err := os.ReadFile("../../../docs/security.md")
	require.NoError(t, err)
	for _, block := range regexp.MustCompile("(?s)```sql\n-- (\\w+)[^\n]*\n(.*?)```").FindAllStringSubmatch(string(doc), -1) {
		if !strings.EqualFold(block[1], string(dialect)) {
			continue
		}
		for _, statement := range strings.Split(block[2], ";\n") {
			if statement = strings.TrimSpace(statement); statement != "" {
				statements = append(statements, statement)
			}
		}
	}
	require.Equal(t, dialect == ClickHouse, len(statements) == 0, "docs/security.md: the block of SQL for %s", dialect)
	return statements
}
