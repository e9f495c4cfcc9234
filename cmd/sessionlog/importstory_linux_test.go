//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
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

// importStory is an import that is killed again and again.
type importStory struct {
	importRig
	rows, kills int
	files       []string

	seconds, processor float64 // of all its processes
	peakBytes          int64
}

// TestAnImportThatIsKilledGoesOn where it was, and each row is there once. make prove-import has more rows and kills.
func TestAnImportThatIsKilledGoesOn(t *testing.T) {
	s := &importStory{importRig: newImportRig(t, exportsBlock), rows: 12_000, kills: 1}
	results := os.Getenv("SESSIONLOG_IMPORT_RESULTS")
	if results != "" {
		var err error
		s.rows, err = strconv.Atoi(os.Getenv("SESSIONLOG_IMPORT_ROWS"))
		require.NoError(t, err)
		s.kills = 5
	}
	s.files = []string{
		writeRowFile(t, filepath.Join(s.folder, "a [old].jsonl"), 0, s.rows/2),
		writeRowFile(t, filepath.Join(s.folder, "b.jsonl.gz"), s.rows/2, s.rows),
	}
	begun := s.startAndKill(t)
	last := s.start(t)
	require.NoError(t, s.finish(t, last))
	var summary map[string]any
	require.NoError(t, json.Unmarshal(last.Stdout.(*bytes.Buffer).Bytes(), &summary))
	require.Positive(t, summary["bytes_of_runs_before"], "it did not begin anew")
	require.EqualValues(t, s.rows-begun, summary["written"])
	require.Nil(t, summary["conflicts"])
	require.Empty(t, summary["refused"])
	require.Less(t, summary["events"], float64(s.rows))
	require.Equal(t, s.rows, s.count(t, "count(*)"))
	require.Equal(t, s.rows, s.count(t, "count(DISTINCT session_id)"))

	begin := time.Now()
	done := s.imported(t, append([]string{"--state", s.state()}, s.files...)...)
	require.EqualValues(t, 0, done["events"], "there is nothing left")
	t.Logf("%d rows, %d kills: %.0f s, %.0f s of a processor, peak %d MiB; once more: %s", s.rows, s.kills, s.seconds, s.processor, s.peakBytes>>20, time.Since(begin))
	if results != "" {
		s.note(t, results)
	}
}

func (s *importStory) state() string { return filepath.Join(s.folder, "import.state") }

func (s *importStory) start(t *testing.T) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], s.args(append([]string{"--state", s.state()}, s.files...)...)...)
	command.Env = append(os.Environ(), runAsCommand+"=1")
	command.Stdout, command.Stderr = &bytes.Buffer{}, os.Stderr
	require.NoError(t, command.Start())
	s.seconds -= float64(time.Now().UnixMilli()) / 1000
	return command
}

// startAndKill begins the import as often as it is to be killed, and tells how many rows are there then: not all.
func (s *importStory) startAndKill(t *testing.T) (begun int) {
	t.Helper()
	for kill := 1; kill <= s.kills; kill++ {
		command := s.start(t)
		s.waitForRows(t, command, s.rows*kill/(s.kills+2), begun)
		require.NoError(t, command.Process.Kill())
		s.finish(t, command)
		begun = s.count(t, "count(*)")
		require.Less(t, begun, s.rows)
	}
	return begun
}

// finish waits for a process' end, and adds what it cost.
func (s *importStory) finish(t *testing.T, command *exec.Cmd) error {
	t.Helper()
	err := command.Wait()
	s.seconds += float64(time.Now().UnixMilli()) / 1000
	used := command.ProcessState
	s.processor += (used.UserTime() + used.SystemTime()).Seconds()
	s.peakBytes = max(s.peakBytes, used.SysUsage().(*syscall.Rusage).Maxrss<<10)
	return err
}

// waitForRows waits until the store has so many rows, and some that are new.
func (s *importStory) waitForRows(t *testing.T, command *exec.Cmd, rows, before int) {
	t.Helper()
	require.Eventually(t, func() bool {
		if command.ProcessState != nil {
			return true
		}
		found, err := countRows(s.database, "count(*)")
		return err == nil && found >= rows && found > before
	}, time.Hour, time.Duration(max(5, s.rows/10_000))*time.Millisecond)
}

func (s *importStory) count(t *testing.T, what string) int {
	t.Helper()
	n, err := countRows(s.database, what)
	require.NoError(t, err)
	return n
}

// countRows asks while others write.
func countRows(database, what string) (n int, err error) {
	if _, err := os.Stat(database); err != nil {
		return 0, err
	}
	store, err := (&storeTarget{sqlite: database}).openStore(context.Background(), os.Getenv)
	if err != nil {
		return 0, err
	}
	defer func() { _ = store.Close() }()
	for cells, err := range store.Rows(context.Background(), "SELECT "+what+" FROM session_events", 1) {
		if err == nil {
			_, err = fmt.Sscan(cells[0].Text, &n)
		}
		return n, err
	}
	return 0, nil
}

// note adds a line to the results.
func (s *importStory) note(t *testing.T, path string) {
	t.Helper()
	commit, err := exec.CommandContext(t.Context(), "git", "describe", "--always", "--dirty").Output()
	require.NoError(t, err)
	load, err := os.ReadFile("/proc/loadavg")
	require.NoError(t, err)
	var size int64
	for _, file := range s.files {
		info, err := os.Stat(file)
		require.NoError(t, err)
		size += info.Size()
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	require.NoError(t, err)
	w := csv.NewWriter(f)
	if info, err := f.Stat(); err == nil && info.Size() == 0 {
		require.NoError(t, w.Write([]string{"store", "rows", "file_bytes", "kills", "commit", "seconds", "rows_per_second", "processor_seconds", "peak_rss_mib", "load_at_end"}))
	}
	require.NoError(t, w.Write([]string{
		"sqlite", strconv.Itoa(s.rows), strconv.FormatInt(size, 10), strconv.Itoa(s.kills), strings.TrimSpace(string(commit)), fmt.Sprintf("%.0f", s.seconds),
		fmt.Sprintf("%.0f", float64(s.rows)/s.seconds), fmt.Sprintf("%.0f", s.processor), strconv.FormatInt(s.peakBytes>>20, 10), strings.Fields(string(load))[0],
	}))
	w.Flush()
	require.NoError(t, w.Error())
	require.NoError(t, f.Close())
}
