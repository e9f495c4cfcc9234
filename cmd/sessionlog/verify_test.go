package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	driver "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
)

// sealedStore is a database of imported records that are sealed, and what verifies it.
type sealedStore struct {
	importRig
	public string
	kept   string // the heads that verify is given
}

// seal has what is imported sealed. It gives the public key.
func (r importRig) seal(t *testing.T) (public string) {
	t.Helper()
	key := filepath.Join(r.folder, "seal.key")
	public = strings.TrimSpace(well(t, "keygen", "--name", "audit.example.net/logins", key))
	config, err := os.ReadFile(r.config)
	require.NoError(t, err)
	writeFile(t, r.config, string(config)+"    seal: {key_file: "+key+", directory: "+r.folder+"/seal, writer: a}\n")
	return public
}

// heads are those that imports have given away.
func (r importRig) heads() string { return filepath.Join(r.folder, "seal", "import", "heads") }

func newSealedStore(t *testing.T, rows int) sealedStore {
	t.Helper()
	s := sealedStore{importRig: newImportRig(t, exportsBlock)}
	s.public, s.kept = s.seal(t), s.heads()
	export := writeRowFile(t, filepath.Join(s.folder, "rows.jsonl"), 0, rows)
	require.EqualValues(t, rows, s.imported(t, export)["written"])
	return s
}

// verify is the command at a time when heads are fresh.
func (s *sealedStore) verify(t *testing.T, more ...string) asked {
	t.Helper()
	now = time.Now()
	return run(t, append([]string{"verify", "--sqlite", s.database, "--key", s.public, "--heads", s.kept, "--seal-wait", "0"}, more...)...)
}

func (s *sealedStore) exec(t *testing.T, sql string) {
	t.Helper()
	conn, err := driver.OpenConn(s.database, driver.OpenReadWrite)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	require.NoError(t, sqlitex.ExecuteScript(conn, sql, nil))
}

// TestVerifyTellsByItsExitStatus what an auditor asks: whether all is as it was sealed.
func TestVerifyTellsByItsExitStatus(t *testing.T) {
	defer func(before time.Time) { now = before }(now)
	s := newSealedStore(t, 3000)
	a := s.verify(t, "--max-age", "1h")
	require.Equal(t, 0, a.status, a.out+a.errors)
	require.Contains(t, a.out, "3000 records and 0 conflicts are as they were sealed")
	s.exec(t, "INSERT INTO session_seals SELECT '', first, pages, entries, head, edge FROM session_seals LIMIT 1")
	require.Contains(t, s.verify(t).out, "3000 records and 0 conflicts are as they were sealed", "a row of no log hides none")
	s.exec(t, "DELETE FROM session_seals WHERE log = ''")

	unkept := run(t, "verify", "--sqlite", s.database, "--key", s.public)
	require.Equal(t, 3, unkept.status, "no heads that were kept elsewhere")
	require.Contains(t, unkept.out, "no copies")
	now = time.Now().Add(2 * time.Hour)
	stale := run(t, "verify", "--sqlite", s.database, "--key", s.public, "--heads", s.kept, "--max-age", "1h")
	require.Equal(t, 3, stale.status)
	require.Contains(t, stale.out, "stale")

	_, stranger, err := seal.GenerateKey("audit.example.net/logins")
	require.NoError(t, err)
	alone := s.verify(t, "--witness", stranger)
	require.Equal(t, 3, alone.status, alone.out)
	require.Contains(t, alone.out, "not cosigned")
	require.Equal(t, 0, s.verify(t, "--witness", s.public).status, "of which each head has a signature")
	require.Equal(t, 2, s.verify(t, "--witness", "none").status)
	foreign := run(t, "verify", "--sqlite", s.database, "--key", stranger, "--seal-wait", "0")
	require.Equal(t, 1, foreign.status, "sealed by somebody else counts for nothing")
	for _, usage := range [][]string{{"verify", "--sqlite", s.database}, {"verify", "--sqlite", s.database, "--key", "none"}, {"verify", "--sqlite", s.folder + "/none.db", "--key", s.public}, {"keygen"}} {
		require.Equal(t, 2, run(t, usage...).status, usage)
	}

	s.exec(t, "UPDATE session_events_1 SET user_name = 'mallory' WHERE user_name = 'user18' AND kind = 'login' AND outcome = 'success' AND time < 1767225700000000000")
	tampered := s.verify(t)
	require.Equal(t, 1, tampered.status)
	require.Contains(t, tampered.out, "altered")
	require.NotContains(t, tampered.out, "mallory", "a finding names the record, not what somebody wrote into it")
	lines := s.verify(t, "--output", "ndjson")
	require.Equal(t, 1, lines.status)
	require.Contains(t, lines.out, `"kind":"altered"`)
	require.Contains(t, lines.out, `"record_id":"`)
	require.Contains(t, lines.out, `{"summary":{"records":2999,`)
}

// TestAnAlarmIsAcknowledged by who knows its cause, in words of his own.
func TestAnAlarmIsAcknowledged(t *testing.T) {
	defer func(before time.Time) { now = before }(now)
	s := newSealedStore(t, 10)
	s.imported(t, writeRowFile(t, filepath.Join(s.folder, "more.jsonl"), 10, 20))
	s.exec(t, "DELETE FROM session_seals WHERE first = (SELECT max(first) FROM session_seals); DELETE FROM session_seal_pages WHERE first = (SELECT max(first) FROM session_seal_pages)")
	s.imported(t, writeRowFile(t, filepath.Join(s.folder, "last.jsonl"), 20, 30))
	a := s.verify(t)
	require.Equal(t, 1, a.status)
	id := regexp.MustCompile(`--acknowledge (\w+)`).FindStringSubmatch(a.out)
	require.NotEmpty(t, id, a.out)
	require.NotContains(t, s.verify(t, "--acknowledge", id[1]).out, "alarm  ")
	file := writeFile(t, filepath.Join(s.folder, "acknowledged.txt"), "\n"+id[1]+" restored on 2026-11-29, see ticket 12\n")
	known := s.verify(t, "--acknowledgements", file)
	require.NotContains(t, known.out, "alarm  ")
	require.Contains(t, known.out, "acknowledged  ")
	require.Equal(t, 2, s.verify(t, "--acknowledgements", file+"x").status)
	require.NotContains(t, known.errors, "no alarm")
	require.Contains(t, s.verify(t, "--acknowledge", "0123").errors, "no alarm has this id")
}

// TestAKeyIsNotOverwritten: its seals would be worth nothing.
func TestAKeyIsNotOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seal.key")
	well(t, "keygen", path)
	require.Equal(t, 1, run(t, "keygen", path).status)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
	require.Equal(t, 2, run(t, "keygen", "--name", "with spaces", filepath.Join(t.TempDir(), "k")).status)
}

// TestASnapshotIsAcknowledged: table and seal directory came back from one copy, so that nothing but kept heads tells of what was after it. Whoever has the key says so, for ever.
func TestASnapshotIsAcknowledged(t *testing.T) {
	defer func(before time.Time) { now = before }(now)
	s := newSealedStore(t, 10)
	snapshot := t.TempDir()
	require.NoError(t, os.CopyFS(snapshot, os.DirFS(s.folder)))
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // signatures tell seconds
	s.imported(t, writeRowFile(t, filepath.Join(s.folder, "lost.jsonl"), 10, 20))
	kept, err := os.ReadFile(s.kept)
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(s.folder))
	require.NoError(t, os.CopyFS(s.folder, os.DirFS(snapshot)))
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	s.imported(t, writeRowFile(t, filepath.Join(s.folder, "then.jsonl"), 20, 30))
	s.kept = writeFile(t, filepath.Join(s.folder, "kept"), string(kept))
	require.Equal(t, 1, s.verify(t).status)

	acknowledge := func(more ...string) asked {
		return run(t, append([]string{"acknowledge", "--config", s.config, "--heads", s.kept}, more...)...)
	}
	require.Equal(t, 2, acknowledge().status, "a reason is signed")
	require.Equal(t, 2, run(t, "acknowledge", "--config", s.config, "--reason", "x").status, "of which heads?")
	require.Equal(t, 2, run(t, "acknowledge", "--sqlite", s.database, "--heads", s.kept, "--reason", "x").status, "without the key")
	require.Contains(t, acknowledge("--dry-run").out, "1 kept head lost")
	require.Equal(t, 1, s.verify(t).status)
	require.Contains(t, acknowledge("--reason", "ticket 815").out, "acknowledged")
	require.Contains(t, acknowledge("--reason", "again").out, "is lost")
	a := s.verify(t)
	require.Equal(t, 0, a.status, a.out)
	require.Contains(t, a.out, "1 kept heads are lost, from page")
	require.Contains(t, a.out, ": ticket 815")
	require.Contains(t, run(t, "verify", "--sqlite", s.database, "--key", s.public, "--seal-wait", "0").out, "acknowledged  ", "heads or not")

	s.kept = s.heads()
	later, err := os.ReadFile(s.kept)
	require.NoError(t, err)
	s.exec(t, "DELETE FROM session_seals WHERE log NOT LIKE '%/acknowledge' AND first = (SELECT max(first) FROM session_seals); DELETE FROM session_seal_pages WHERE log NOT LIKE '%/acknowledge' AND first = (SELECT max(first) FROM session_seal_pages)")
	s.kept = writeFile(t, filepath.Join(s.folder, "kept"), string(kept)+string(later))
	cut := s.verify(t)
	require.Equal(t, 1, cut.status, cut.out)
	require.Contains(t, cut.out, "rolled back", "what was cut off since")
}
