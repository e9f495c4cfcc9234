package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/goleak"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/retention"
	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// childPath names the database to a process of this test binary that is to write it until it is killed.
const childPath = "SESSIONLOG_TEST_SQLITE_CHILD"

// childExpires lets such a process delete what has expired instead.
const childExpires = "SESSIONLOG_TEST_SQLITE_CHILD_EXPIRES"

// mostBatches keeps the file small on a fast machine.
const mostBatches = 500

// perBatch is small, so that many commits fit between two kills.
const perBatch = 20

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		writeUntilKilled(path)
	}
	goleak.VerifyTestMain(m)
}

// writeUntilKilled prints the number of each batch after Write has promised it.
func writeUntilKilled(path string) {
	cfg := DefaultConfig()
	cfg.Path = path
	if os.Getenv(childExpires) != "" {
		expireUntilKilled(cfg)
	}
	first, err := strconv.Atoi(os.Args[1])
	check(err)
	b, err := New(cfg, componenttest.NewNopTelemetrySettings())
	check(err)
	b.(*eventStore).limits = partitionLimits{rows: 10 * perBatch, tables: 6} // so that partitions open and merge all the time
	b.(*eventStore).tendEvery = 5 * time.Millisecond
	check(b.Start(context.Background()))
	for n := first; n < first+mostBatches; n++ {
		_, err := b.Write(context.Background(), typical(n*perBatch, (n+1)*perBatch))
		check(err)
		fmt.Println(n)
	}
	time.Sleep(time.Hour) // it is killed long before
}

// expireUntilKilled deletes the typical events, over some seconds.
func expireUntilKilled(cfg Config) {
	cfg.TTL, cfg.TTLConfirm = time.Hour, true
	b, err := New(cfg, componenttest.NewNopTelemetrySettings())
	check(err)
	s, begin := b.(*eventStore), time.Now()
	s.limits = partitionLimits{rows: 10 * perBatch, tables: 64}
	s.now = func() time.Time { return clockAt(0)().Add(3 * time.Since(begin)) }
	s.elapsed = func() time.Duration { return 3 * time.Since(begin) }
	w := &groupWriter{eventStore: s, guard: retention.NewGuard(s.log, s.now, s.elapsed), conditions: conditionlog.New(s.log, s.now), moveTimer: time.NewTimer(time.Hour)}
	check(w.openUnlessDamaged(context.Background()))
	fmt.Println("ready")
	for x := (&expiryTimer{groupWriter: w}); ; {
		_, err := x.deleteSlice()
		check(err)
	}
}

// TestKilledWhileExpiring kills a process in the middle of what ttl deletes and drops: what has not expired is there, and every record where its
// range says.
func TestKilledWhileExpiring(t *testing.T) {
	cfg := testConfig(t)
	s := newStore(t, cfg)
	s.limits = partitionLimits{rows: 10 * perBatch, tables: 64}
	require.NoError(t, s.Start(t.Context()))
	const n = 8000
	for from := 0; from < n; from += 200 {
		_, err := s.Write(t.Context(), typical(from, from+200))
		require.NoError(t, err)
	}
	require.NoError(t, s.Shutdown(context.Background()))
	for range 4 {
		count := func() int { return toInt(file{cfg}.Query(t, "SELECT count(*) FROM session_events").Cells[0][0]) }
		before := count()
		if before < n/4 { // a slow machine: the process had expired most of it before it was killed
			break
		}
		cmd := exec.Command(os.Args[0], "0")
		cmd.Env = append(os.Environ(), childPath+"="+cfg.Path, childExpires+"=1")
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		require.True(t, bufio.NewScanner(out).Scan())
		require.Eventually(t, func() bool { return count() < before }, 30*time.Second, time.Millisecond)
		time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
		require.NoError(t, cmd.Process.Kill())
		require.Error(t, cmd.Wait())
		var want session.Event
		got := readAll(t, cfg)
		for i, e := range got {
			sessiontest.Typical(&want, n-len(got)+i)
			require.Equal(t, want.RecordID, e.RecordID, "the youngest, without a gap")
		}
		requireRanges(t, cfg)
	}
	requireSound(t, cfg)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestKilled kills a writing process again and again, while somebody reads the table: whatever it had promised is there, once, and the file is sound. The
// next process tells the last batches again, as a source does that had not saved its cursor.
func TestKilled(t *testing.T) {
	cfg := testConfig(t)
	promised := killWriter(t, cfg, 0, -1)
	stop, read := make(chan struct{}), make(chan error, 1)
	go func() { read <- readWhile(cfg.Path, stop) }()
	for range 8 {
		promised = killWriter(t, cfg, max(promised-2, 0), promised)
		requirePrefix(t, cfg, (promised+1)*perBatch)
	}
	close(stop)
	require.NoError(t, <-read)
	requireSound(t, cfg)
	requireRanges(t, cfg)
}

// killWriter returns the last batch that was promised.
func killWriter(t *testing.T, cfg Config, first, promised int) int {
	cmd := exec.Command(os.Args[0], strconv.Itoa(first))
	cmd.Env = append(os.Environ(), childPath+"="+cfg.Path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan(), "the child does not write")
	time.AfterFunc(time.Duration(rand.IntN(100))*time.Millisecond, func() { _ = cmd.Process.Kill() })
	for more := true; more; more = lines.Scan() {
		n, err := strconv.Atoi(lines.Text())
		require.NoError(t, err)
		promised = max(promised, n)
	}
	require.Error(t, cmd.Wait(), "it was killed")
	return promised
}

// requirePrefix reads the file: the events 0 to n and perhaps some more whole batches, in order, each once.
func requirePrefix(t *testing.T, cfg Config, n int) {
	t.Helper()
	got := readAll(t, cfg)
	require.GreaterOrEqual(t, len(got), n)
	require.Zero(t, len(got)%perBatch, "a batch is there as a whole or not at all")
	for i, e := range got {
		var want session.Event
		sessiontest.Typical(&want, i)
		require.Equal(t, want.RecordID, e.RecordID)
		require.True(t, sessiontest.SameContent(&want, e))
	}
}

// TestReadWhileWritten by another process: the reader sees every batch that was promised before it looked, and only whole ones.
func TestReadWhileWritten(t *testing.T) {
	cfg := testConfig(t)
	cmd := exec.Command(os.Args[0], "0")
	cmd.Env = append(os.Environ(), childPath+"="+cfg.Path)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer func() {
		require.NoError(t, cmd.Process.Kill())
		require.Error(t, cmd.Wait())
	}()
	lines := bufio.NewScanner(out)
	for range 10 {
		for range 10 {
			require.True(t, lines.Scan())
		}
		n, err := strconv.Atoi(lines.Text())
		require.NoError(t, err)
		requirePrefix(t, cfg, (n+1)*perBatch)
	}
}
