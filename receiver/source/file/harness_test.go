package file_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/file"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

// exports holds the same 65 real rows in every format.
const exports = "../../../internal/dialect/clickhouselog/export/testdata/"

func content(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

func gzipped(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func zstandard(t testing.TB, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	return string(w.EncodeAll([]byte(text), nil))
}

// job is a source at work, and all that it tells.
type job struct {
	*sourcetest.Recorder
	stats  sourcetest.Stats
	cancel context.CancelFunc
	done   chan error

	later time.Duration // how much later than now it is for the source
	log   *zap.Logger   // of the source, nil for the test's own

	mu     sync.Mutex
	status error
}

func start(t testing.TB, cfg file.Config, store *sourcetest.Store) *job {
	t.Helper()
	j := &job{Recorder: &sourcetest.Recorder{}, done: make(chan error, 1)}
	j.begin(t, newSource(t, cfg), store)
	return j
}

func (j *job) begin(t testing.TB, src source.Source, store *sourcetest.Store) {
	ctx, cancel := context.WithCancel(context.Background())
	j.cancel = cancel
	host := sourcetest.Host(t, j.Recorder, store, &j.stats)
	host.Status = func(err error) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.status = err
	}
	host.Now = func() time.Time { return time.Now().Add(j.later) }
	if j.log != nil {
		host.Log = j.log
	}
	go func() { j.done <- src.Run(ctx, host) }()
	t.Cleanup(func() { j.stop(t) })
}

// stop ends the source; a second time it does nothing.
func (j *job) stop(t testing.TB) {
	t.Helper()
	j.cancel()
	j.wait(t)
}

// wait is for a source that ends by itself.
func (j *job) wait(t testing.TB) {
	t.Helper()
	select {
	case err := <-j.done:
		require.NoError(t, err)
		j.done <- nil
	case <-time.After(time.Minute):
		t.Fatal("the source does not end")
	}
}

func (j *job) lastStatus() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.status
}

func (j *job) users() (users []string) {
	for _, e := range j.Delivered() {
		users = append(users, e.User)
	}
	return users
}

// await fails the test when a condition does not come true.
func await(t testing.TB, complaint string, done func() bool) {
	t.Helper()
	require.Eventually(t, done, time.Minute, 2*time.Millisecond, complaint)
}

func (j *job) awaitUsers(t testing.TB, users ...string) {
	t.Helper()
	await(t, strings.Join(users, ", ")+" were not told", func() bool { return len(j.Delivered()) >= len(users) })
	require.Equal(t, users, j.users())
}

// once reads everything that is there.
func once(t testing.TB, cfg file.Config, store *sourcetest.Store) *job {
	t.Helper()
	cfg.Follow = false
	j := start(t, cfg, store)
	j.wait(t)
	return j
}

// onceLater is once, when so much time has passed in which nothing was written.
func onceLater(t testing.TB, cfg file.Config, store *sourcetest.Store, later time.Duration) *job {
	t.Helper()
	cfg.Follow = false
	j := newJob(t)
	j.later = later
	j.begin(t, newSource(t, cfg), store)
	j.wait(t)
	return j
}

func ids(events []session.Event) (ids []session.ID) {
	for i := range events {
		ids = append(ids, events[i].RecordID)
	}
	return ids
}

var when = time.Date(2026, 11, 21, 22, 0, 39, 455319000, time.UTC)

// rowOf is a row of this user, some microseconds after the others'.
func rowOf(user string) string {
	n := 0
	for _, c := range user {
		n = n*31 + int(c)
	}
	return row(user, when.Add(time.Duration(n%1000)*time.Microsecond))
}

func rowsOf(users ...string) (text string) {
	for _, user := range users {
		text += rowOf(user)
	}
	return text
}

func place(t testing.TB) (dir, path string) {
	dir = t.TempDir()
	return dir, filepath.Join(dir, "session_log.jsonl")
}

// line is one of a PostgreSQL 15, which leaves it to the reader to find out who was let in. after counts from now, less a minute.
func line(after time.Duration, pid int, severity, message string) string {
	at := time.Now().Add(after - time.Minute).UTC().Format("2006-01-02 15:04:05.000 UTC")
	return fmt.Sprintf("%s [%d] %x.%x alice@app %s:  %s\n", at, pid, 0x6b02117b, pid, severity, message)
}

func received(after time.Duration, pid int) string {
	return line(after, pid, "LOG", fmt.Sprintf("connection received: host=10.0.0.7 port=%d", pid))
}

func authorized(after time.Duration, pid int) string {
	return line(after, pid, "LOG", "connection authorized: user=alice database=app")
}

// atOnce is so early that no time passes, however busy the machine is.
const atOnce = -time.Hour

func newJob(testing.TB) *job {
	return &job{Recorder: &sourcetest.Recorder{}, done: make(chan error, 1)}
}

// stopAfter ends the source once n pages were delivered.
func stopAfter(j *job, n int) func(context.Context, int, []session.Event) error {
	return func(ctx context.Context, call int, _ []session.Event) error {
		if call > n {
			return context.Canceled
		}
		if call == n {
			j.cancel()
		}
		return nil
	}
}
