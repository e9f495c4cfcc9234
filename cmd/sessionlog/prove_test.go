package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/bundle"
)

const auditProgram = "../../examples/evidence/check.py"

// someRecord is the id of a record of the store.
func (s *sealedStore) someRecord(t *testing.T) string {
	t.Helper()
	var row struct {
		ID string `json:"record_id"`
	}
	require.NoError(t, json.Unmarshal([]byte(well(t, "search", "--sqlite", s.database, "--columns", "record_id", "--limit", "1", "--output", "ndjson", "user_name=user18")), &row))
	return row.ID
}

// TestProveAndCheck: a bundle shows its record without the database, to this program, to another one, and to a shell.
func TestProveAndCheck(t *testing.T) {
	s := newSealedStore(t, 900)
	id := s.someRecord(t)
	file, folder := filepath.Join(s.folder, "record.zip"), filepath.Join(s.folder, "proof")
	well(t, "prove", id, "--sqlite", s.database, "-o", file)
	well(t, "prove", strings.ReplaceAll(id, "-", ""), "--sqlite", s.database, "-o", folder)
	require.NoError(t, os.Rename(s.database, s.database+".away"))
	for _, made := range []string{file, folder} {
		shown := well(t, "check", made, "--key", s.public)
		require.Regexp(t, `(?m)^proven +[0-9a-f-]{36}$`, shown)
		require.Regexp(t, `(?m)^who +user18$`, shown)
		require.Regexp(t, `(?m)^when +20\d\d-\d\d-\d\dT.*Z$`, shown)
		require.Contains(t, shown, "sealed at  "+time.Now().UTC().Format("2006-01-02"))
	}
	other, err := exec.Command("python3", auditProgram, s.public, file).CombinedOutput()
	require.NoError(t, err, string(other))
	runReadme(t, folder, s.public)

	_, stranger, err := seal.GenerateKey("audit.example.net/logins")
	require.NoError(t, err)
	require.Equal(t, 1, run(t, "check", file, "--key", stranger).status)
	require.Error(t, exec.Command("python3", auditProgram, stranger, file).Run())
	for _, unchecked := range [][]string{{file}, {file, "--key", "none"}, {file + ".none", "--key", s.public}, {s.folder, "--key", s.public}, {"--key", s.public}} {
		require.Equal(t, 2, run(t, append([]string{"check"}, unchecked...)...).status, unchecked)
	}
	for _, part := range []string{bundle.FileRecord, bundle.FilePage, bundle.FileInclusion, bundle.FileRecordText} {
		path := filepath.Join(folder, part)
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		writeFile(t, path, string(content[:len(content)-5])+string(content[len(content)-5]^1)+string(content[len(content)-4:]))
		a := run(t, "check", folder, "--key", s.public)
		require.Equal(t, 1, a.status, "%s: %s%s", part, a.out, a.errors)
		require.Empty(t, a.out)
		writeFile(t, path, string(content))
	}
	well(t, "check", folder, "--key", s.public)
}

// runReadme runs the lines of a bundle's README.txt as somebody would who pastes them into a shell.
func runReadme(t *testing.T, folder, public string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, bundle.FileReadme))
	require.NoError(t, err)
	var said []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "     ") {
			continue
		}
		cmd := exec.Command("sh", "-c", line)
		cmd.Dir, cmd.Env = folder, append(os.Environ(), "KEY="+public)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		said = append(said, string(out))
	}
	require.Len(t, said, 3)
	require.Equal(t, "1\n", said[0])
	roots := strings.Split(said[1], "\n")
	require.Len(t, roots[0], 44)
	require.Equal(t, roots[0], roots[1])
	require.Contains(t, said[2], "Signature Verified Successfully")
}

// TestOnlyWhatWasSealedIsProven: what was changed has no proof, and a proof that is there stays.
func TestOnlyWhatWasSealedIsProven(t *testing.T) {
	s := newSealedStore(t, 300)
	id := s.someRecord(t)
	file := filepath.Join(s.folder, "record.zip")
	require.Equal(t, 2, run(t, "prove", "none", "--sqlite", s.database, "-o", file).status)
	require.Equal(t, 2, run(t, "prove", "--sqlite", s.database).status)
	unknown := run(t, "prove", "019a0000-0000-8000-8000-000000000001", "--sqlite", s.database, "-o", file)
	require.Equal(t, 1, unknown.status)
	require.Contains(t, unknown.errors, "there is no record of this id")
	s.exec(t, "UPDATE session_events_1 SET user_name = 'mallory' WHERE record_id = x'"+strings.ReplaceAll(id, "-", "")+"'")
	altered := run(t, "prove", id, "--sqlite", s.database, "-o", file)
	require.Equal(t, 1, altered.status)
	require.Contains(t, altered.errors, "not as it was sealed")
	require.NoFileExists(t, file)
	s.exec(t, "UPDATE session_events_1 SET user_name = 'user18' WHERE record_id = x'"+strings.ReplaceAll(id, "-", "")+"'")
	well(t, "prove", id, "--sqlite", s.database, "-o", file)
	require.Equal(t, 1, run(t, "prove", id, "--sqlite", s.database, "-o", file).status, "a proof is not overwritten")
}

// TestHeadsAreThoseThatVerifyHolds against the log.
func TestHeadsAreThoseThatVerifyHolds(t *testing.T) {
	defer func(before time.Time) { now = before }(now)
	s := newSealedStore(t, 300)
	s.kept = writeFile(t, filepath.Join(s.folder, "kept"), well(t, "heads", "--sqlite", s.database))
	a := s.verify(t)
	require.Equal(t, 0, a.status, a.out+a.errors)
	require.Contains(t, a.out, "1 head kept elsewhere match")
	s.exec(t, "DELETE FROM session_seals WHERE first = (SELECT max(first) FROM session_seals); DELETE FROM session_seal_pages WHERE first = (SELECT max(first) FROM session_seal_pages)")
	a = s.verify(t)
	require.Equal(t, 1, a.status)
	require.Contains(t, a.out, "rolled back")
	require.Empty(t, well(t, "heads", "--sqlite", storyFile(t)), "nothing is sealed")
}

// TestAnotherProgramReadsTheVectors: the format is written down well enough for one that shares nothing with ours.
func TestAnotherProgramReadsTheVectors(t *testing.T) {
	const path = "../../internal/seal/testdata/vectors.json"
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	var log struct {
		Public string `json:"public_key"`
	}
	require.NoError(t, json.Unmarshal(content, &log))
	out, err := exec.Command("python3", auditProgram, log.Public, path).CombinedOutput()
	require.NoError(t, err, string(out))
	altered := writeFile(t, filepath.Join(t.TempDir(), "vectors.json"), strings.Replace(string(content), "retention 8760h", "retention 8761h", 1))
	out, err = exec.Command("python3", auditProgram, log.Public, altered).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "not what was sealed")
}
