//go:build linux

package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestWhatWasKilledIsVerified: an import that seals is killed and goes on; then each row is sealed. make prove-verify has more rows and kills.
func TestWhatWasKilledIsVerified(t *testing.T) {
	s := &importStory{importRig: newImportRig(t, exportsBlock), rows: 12_000, kills: 2}
	results := os.Getenv("SESSIONLOG_VERIFY_RESULTS")
	if results != "" {
		var err error
		s.rows, err = strconv.Atoi(os.Getenv("SESSIONLOG_VERIFY_ROWS"))
		require.NoError(t, err)
		s.kills = 5
	}
	public := s.seal(t)
	s.files = []string{writeRowFile(t, filepath.Join(s.folder, "rows.jsonl"), 0, s.rows)}
	s.startAndKill(t)
	require.NoError(t, s.finish(t, s.start(t)))

	verify := exec.CommandContext(t.Context(), os.Args[0], "verify", "--sqlite", s.database, "--key", public, "--heads", s.heads())
	verify.Env = append(os.Environ(), runAsCommand+"=1")
	begin := time.Now()
	out, err := verify.Output()
	took := time.Since(begin)
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), fmt.Sprintf("%d records and 0 conflicts are as they were sealed", s.rows))
	used := verify.ProcessState.SysUsage().(*syscall.Rusage)
	t.Logf("%d rows, %d kills: imported in %.0f s of a processor, verified in %s, peak %d MiB", s.rows, s.kills, s.processor, took, used.Maxrss>>10)
	if results != "" {
		noteVerification(t, results, s.rows, s.kills, took, verify.ProcessState.UserTime()+verify.ProcessState.SystemTime(), used.Maxrss>>10)
	}
}

// noteVerification adds a line to the results.
func noteVerification(t *testing.T, path string, rows, kills int, took, processor time.Duration, peak int64) {
	t.Helper()
	commit, err := exec.CommandContext(t.Context(), "git", "describe", "--always", "--dirty").Output()
	require.NoError(t, err)
	_, missing := os.Stat(path)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	require.NoError(t, err)
	w := csv.NewWriter(file)
	if missing != nil {
		require.NoError(t, w.Write([]string{"commit", "date", "rows", "kills", "seconds", "cpu_s", "peak_mib"}))
	}
	require.NoError(t, w.Write([]string{
		strings.TrimSpace(string(commit)), time.Now().UTC().Format(time.DateOnly), strconv.Itoa(rows), strconv.Itoa(kills),
		fmt.Sprintf("%.1f", took.Seconds()), fmt.Sprintf("%.1f", processor.Seconds()), strconv.FormatInt(peak, 10),
	}))
	w.Flush()
	require.NoError(t, w.Error())
	require.NoError(t, file.Close())
}
