package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAdoptTakesNothingThatMayHaveBeenPutIn: a second log in a table that is sealed already says that it has begun behind what is there.
func TestAdoptTakesNothingThatMayHaveBeenPutIn(t *testing.T) {
	s := newSealedStore(t, 300)
	config, err := os.ReadFile(s.config)
	require.NoError(t, err)
	writeFile(t, s.config, strings.Replace(string(config), "seal, writer: a}", "other, writer: b}", 1))
	s.imported(t, writeRowFile(t, filepath.Join(s.folder, "then.jsonl"), 300, 400))
	s.exec(t, `CREATE TEMP TABLE forged AS SELECT * FROM session_events_1 WHERE user_name = 'user18';
UPDATE forged SET record_id = x'019b76daa40080008000000000000001', arrival = 100000; INSERT INTO session_events_1 SELECT * FROM forged`)
	a := run(t, "adopt", "--config", s.config, "--reason", "none", "--seal-wait", "0")
	require.Equal(t, 1, a.status, a.errors)
	require.Contains(t, a.out, "inserted")
	require.Contains(t, a.errors, "nothing is adopted")
}

// TestAdopt: records from before the log began are protected from then on, and are said to be adopted; what was put in is not adopted.
func TestAdopt(t *testing.T) {
	defer func(before time.Time) { now = before }(now)
	s := sealedStore{importRig: newImportRig(t, exportsBlock)}
	s.imported(t, writeRowFile(t, filepath.Join(s.folder, "before.jsonl"), 0, 300))
	require.Equal(t, 2, run(t, "adopt", "--config", s.config, "--reason", "none").status, "nothing seals")
	s.public, s.kept = s.seal(t), s.heads()
	s.imported(t, writeRowFile(t, filepath.Join(s.folder, "then.jsonl"), 300, 400))
	before := s.verify(t)
	require.Equal(t, 3, before.status)
	require.Contains(t, before.out, "300 records from before the log began")

	require.Equal(t, 2, run(t, "adopt", "--config", s.config).status, "a reason is signed")
	require.Equal(t, 2, run(t, "adopt", "--sqlite", s.database, "--reason", "x").status)
	require.Equal(t, "adopted 300 records\n", well(t, "adopt", "--config", s.config, "--reason", "compared with\na backup"))
	require.Equal(t, "adopted 0 records\n", well(t, "adopt", "--config", s.config, "--reason", "again"))
	after := s.verify(t)
	require.Equal(t, 0, after.status, after.out+after.errors)
	require.Contains(t, after.out, "400 records (300 were adopted: found, not received) and 0 conflicts")

	file := filepath.Join(s.folder, "record.zip")
	well(t, "prove", s.someRecord(t), "--sqlite", s.database, "-o", file)
	require.Contains(t, well(t, "check", file, "--key", s.public), "as it was found in the table")

	s.exec(t, "UPDATE session_events_1 SET client_address = '192.0.2.66' WHERE user_name = 'user18'")
	altered := s.verify(t)
	require.Equal(t, 1, altered.status)
	require.Contains(t, altered.out, "logins/a/adopt")
	refused := run(t, "adopt", "--config", s.config, "--reason", "x")
	require.Equal(t, 1, refused.status)
	require.Contains(t, refused.out, "altered")
	require.Contains(t, refused.errors, "nothing is adopted")
}
