package sessionlogreceiver

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// killEnv names the folder of a test whose receiver runs in a process of its own, to be killed.
const killEnv = "SESSIONLOG_RECEIVER_CHILD"

// killBatchSize is its batch_size.
const killBatchSize = 50

// delivered is what such a process has delivered: a line "<user> <record id> <session key>" per event.
const delivered = "delivered.txt"

// newRecordingPipeline appends every event to a file with one write.
func newRecordingPipeline(t *testing.T, path string) consumer.Logs {
	t.Helper()
	dropTornLine(t, path)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	next, err := consumer.NewLogs(func(_ context.Context, logs plog.Logs) error {
		var lines strings.Builder
		for _, e := range plogs.NewDecoder().All(logs) {
			fmt.Fprintln(&lines, e.User, e.RecordID, e.SessionKey)
		}
		_, err := file.WriteString(lines.String())
		return err
	})
	require.NoError(t, err)
	return next
}

// dropTornLine takes back what a write that a kill has cut left of its last line: it was not delivered, and the next line would begin within.
func dropTornLine(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return
	}
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, int64(strings.LastIndexByte(string(text), '\n')+1)))
}

// TestChild runs a receiver over the folder until the process is killed; it is no test of its own.
func TestChild(t *testing.T) {
	dir := os.Getenv(killEnv)
	if dir == "" {
		return
	}
	host := newTestHost().withFileStorage(t, filepath.Join(dir, "storage"), nil)
	config := fileConfig(t, filepath.Join(dir, "session_log.jsonl"))
	config.Storage = &fileStorageID
	config.File.Get().BatchSize = killBatchSize
	set := receivertest.NewNopSettings(componentType)
	set.ID = component.NewID(componentType) // else it is another receiver each time
	r, err := createLogsReceiver(t.Context(), set, config, newRecordingPipeline(t, filepath.Join(dir, delivered)))
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context(), host))
	select {} // until SIGKILL
}

// readDelivered gives the ids that each user was delivered with, and how many lines there are. A torn last line is left out.
func readDelivered(t *testing.T, dir string) (ids map[string]map[string]int, lines int) {
	t.Helper()
	ids = map[string]map[string]int{}
	text, err := os.ReadFile(filepath.Join(dir, delivered))
	if os.IsNotExist(err) {
		return ids, 0
	}
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		user, id, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !ok || !strings.HasSuffix(line, "\n") {
			continue
		}
		if ids[user] == nil {
			ids[user] = map[string]int{}
		}
		ids[user][id]++
		lines++
	}
	return ids, lines
}

// startChild starts the receiver's process over dir. kill ends it with SIGKILL.
func startChild(t *testing.T, dir string) (kill func()) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.timeout=5m")
	child.Env = append(os.Environ(), killEnv+"="+dir, "TMPDIR="+t.TempDir()) // what a killed process leaves goes with the test
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	child.Stderr = child.Stdout
	require.NoError(t, child.Start())
	said := make(chan string, 1)
	go func() {
		var text strings.Builder
		for lines := bufio.NewScanner(out); lines.Scan(); {
			text.WriteString(lines.Text() + "\n")
		}
		said <- text.String()
	}()
	return func() {
		_ = child.Process.Kill()
		text := <-said
		err := child.Wait()
		require.ErrorContains(t, err, "signal: killed", "the child ended by itself: %s", text)
	}
}

func waitUntil(t *testing.T, what string, done func() bool) {
	t.Helper()
	require.Eventually(t, done, testTimeout, 2*time.Millisecond, what)
}

// TestKilledAgainAndAgain kills a receiver with a real storage at five moments of its work, while the source grows. Every row must
// have been delivered with one and the same identity; losses are not allowed, copies are where a kill fell between delivery and memory.
func TestKilledAgainAndAgain(t *testing.T) {
	const rows, kills = 4000, 5
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "storage"), 0o700))
	export, err := os.Create(filepath.Join(dir, "session_log.jsonl"))
	require.NoError(t, err)
	n := 0
	grow := func(to int) {
		var text strings.Builder
		for ; n < to; n++ {
			text.WriteString(exportLine(fmt.Sprintf("user-%06d", n), n))
		}
		_, err := export.WriteString(text.String())
		require.NoError(t, err)
	}
	for i := range kills {
		grow(rows * (i + 1) / (kills + 1))
		_, before := readDelivered(t, dir)
		kill := startChild(t, dir)
		waitUntil(t, "nothing more was delivered", func() bool {
			_, now := readDelivered(t, dir)
			return now >= before+100*(i+1)
		})
		kill()
	}
	grow(rows)
	require.NoError(t, export.Close())
	kill := startChild(t, dir)
	waitUntil(t, "rows were lost", func() bool {
		ids, _ := readDelivered(t, dir)
		return len(ids) == rows
	})
	kill()

	ids, _ := readDelivered(t, dir)
	require.Len(t, ids, rows)
	for user, of := range ids {
		require.Len(t, of, 1, "%s was delivered with several identities", user)
	}
	// The cursor is saved while the next batches are delivered, so what a kill repeats is what was delivered during the last save. A
	// receiver that has had the time to save repeats nothing.
	waitUntil(t, "rows are repeated although their delivery was saved", func() bool {
		_, before := readDelivered(t, dir)
		kill := startChild(t, dir)
		time.Sleep(500 * time.Millisecond)
		kill()
		_, after := readDelivered(t, dir)
		return after == before
	})
}
