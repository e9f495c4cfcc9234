package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/internal/seal/verify"
	"github.com/otel-sessionlog/sessionlog/session/deadletter"
)

// TestForget: a person goes from the table, from what is counted, and from the dead letter, and verify says that it was stated; no name is signed.
func TestForget(t *testing.T) {
	defer func(before time.Time) { now = before }(now)
	s := newSealedStore(t, 300)
	logs := plog.NewLogs()
	for _, name := range []string{"user18", "user19"} {
		record := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		record.SetEventName("sessionlog.login")
		record.Attributes().PutStr("user.name", name)
	}
	letters, err := deadletter.Open(filepath.Join(s.folder, "dead_letter"), "exporter/sessionlog")
	require.NoError(t, err)
	require.NoError(t, letters.Write(t.Context(), logs, nil))
	require.NoError(t, letters.Close())

	for _, usage := range [][]string{{}, {"--user", ""}, {"--user", "user18"}, {"--record", "x", "--reason", "y"}, {"--before", "someday", "--reason", "y"}, {"--before", "1026-01-01", "--reason", "y"}, {"more"}} {
		require.Equal(t, 2, run(t, append([]string{"forget", "--config", s.config}, usage...)...).status, usage)
	}
	invalid := writeFile(t, filepath.Join(s.folder, "invalid.yaml"), "exporters: {sessionlog: {sqlite: {path: x}, seal: {}}}")
	for _, command := range []string{"forget", "adopt"} {
		require.Equal(t, 2, run(t, command, "--config", invalid, "--reason", "y").status, command)
	}
	unsigned := run(t, "forget", "--sqlite", s.database, "--user", "user18", "--reason", "x")
	require.Equal(t, 2, unsigned.status)
	require.Contains(t, unsigned.errors, "has to be signed")

	listed := well(t, "forget", "--config", s.config, "--user", "user18", "--dry-run")
	rows := strings.Count(listed, "session_events")
	require.Positive(t, rows)
	require.Contains(t, listed, "rows would be erased, from 2026-01-01T")
	require.Contains(t, listed, "and 1 dead letters")
	require.Contains(t, s.verify(t).out, "300 records and 0 conflicts")

	done := well(t, "forget", "--config", s.config, "--user", "user18", "--reason", "request\n4711")
	require.Contains(t, done, "removed 1 dead letters")
	a := s.verify(t, "--max-age", "1h")
	require.Equal(t, 0, a.status, a.out+a.errors)
	require.Regexp(t, fmt.Sprintf(`erasure  audit.example.net/logins/a/forget  %d records?, signed by audit.example.net/logins\+[0-9a-f]{8}: request 4711  sealed at 20`, rows), a.out)
	var stated verify.Finding
	lines := s.verify(t, "--output", "ndjson").out
	require.NoError(t, json.Unmarshal([]byte(strings.Split(lines, "\n")[0]), &stated))
	require.Equal(t, []any{verify.KindErasure, rows, "request 4711"}, []any{stated.Kind, stated.Records, stated.Reason})
	require.Contains(t, s.public, stated.Signer+"+")
	var o struct{ Summary struct{ Records, Erased int } }
	require.NoError(t, json.Unmarshal([]byte(strings.Split(lines, "\n")[1]), &o))
	require.Equal(t, rows, o.Summary.Erased)
	require.Equal(t, 300-rows, o.Summary.Records)
	require.NotContains(t, well(t, "search", "--sqlite", s.database, "--from", "2026-01-01"), "user18")
	require.Zero(t, strings.Count(well(t, "forget", "--config", s.config, "--user", "user18", "--dry-run"), "session_events"))

	require.Contains(t, well(t, "forget", "--config", s.config, "--before", "2027-01-01", "--reason", "retention of a year"), "forgot")
	a = s.verify(t)
	require.Equal(t, 0, a.status, a.out+a.errors)
	require.Contains(t, a.out, "300 were erased as it was stated")
}

// TestForgetFindsWhatRedactHasHidden by the name that nobody has stored.
func TestForgetFindsWhatRedactHasHidden(t *testing.T) {
	r := newImportRig(t, exportsBlock)
	config, err := os.ReadFile(r.config)
	require.NoError(t, err)
	writeFile(t, r.config, string(config)+"    redact: {users: hash, on: all, key: 0123456789abcdef}\n")
	r.imported(t, writeRowFile(t, filepath.Join(r.folder, "rows.jsonl"), 0, 100))
	require.NotContains(t, well(t, "search", "--sqlite", r.database), "user18")
	require.NotContains(t, well(t, "forget", "--config", r.config, "--user", "user18", "--dry-run"), "0 rows")
	require.Contains(t, well(t, "forget", "--config", r.config, "--user", "nobody", "--dry-run"), "0 rows")
}

// TestForgetWithoutSeals deletes, and says that nothing is signed.
func TestForgetWithoutSeals(t *testing.T) {
	file := storyFile(t)
	require.Contains(t, well(t, "forget", "--sqlite", file, "--user", "alice", "--reason", "x"), "forgot 5 records\nnothing is signed")
	require.NotContains(t, well(t, "search", "--sqlite", file), "alice")
}
