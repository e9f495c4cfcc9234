package tail_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/receiver/source/tail"
	"github.com/otel-sessionlog/sessionlog/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// logPath is the file of most tests.
	logPath = "/log/session_log.jsonl"
	// exports holds the same 65 real rows in every format.
	exports = "../../../internal/dialect/clickhouselog/export/testdata/"

	pollInterval = time.Second
)

// settings read what these globs include.
func (d *memoryDisk) settings(include ...string) tail.Settings {
	folder := globs{d, include}
	return tail.Settings{
		Folder: folder, Siblings: folder.siblings, Where: strings.Join(include, ", "), Formats: formats.All(),
		Options: logformat.Options{Instance: "warehouse", Zone: time.UTC, DecideAfter: 10 * time.Second},
		Follow:  true, PollInterval: pollInterval, BatchSize: 100, MaxLineBytes: 16 << 20, HoldOpen: 10,
	}
}

// job is a reader at work, and all that it delivers.
type job struct {
	*sourcetest.Recorder
	stats  sourcetest.Stats
	logs   *observer.ObservedLogs
	later  time.Duration // how much later than now it is for the reader
	cancel context.CancelFunc
	done   chan error
	ended  bool
	status atomic.Value
}

func newJob() *job { return &job{Recorder: &sourcetest.Recorder{}, done: make(chan error, 1)} }

func start(t *testing.T, s tail.Settings, store *sourcetest.Store) *job {
	t.Helper()
	j := newJob()
	j.begin(t, s, store)
	return j
}

func (j *job) begin(t *testing.T, s tail.Settings, store *sourcetest.Store) {
	ctx, cancel := context.WithCancel(context.Background())
	j.cancel = cancel
	host := sourcetest.Host(t, j.Recorder, store, &j.stats)
	core, logs := observer.New(zap.InfoLevel)
	host.Log, j.logs = zap.New(core), logs
	host.Now = func() time.Time { return time.Now().Add(j.later) }
	host.Status = func(err error) { j.status.Store(fmt.Sprint(err)) }
	go func() { j.done <- tail.Run(ctx, s, host) }()
	t.Cleanup(func() { j.stop(t) })
}

// stop ends the reader; a second time it does nothing.
func (j *job) stop(t *testing.T) {
	t.Helper()
	j.cancel()
	j.wait(t)
}

// wait is for a reader that ends by itself.
func (j *job) wait(t *testing.T) {
	t.Helper()
	if !j.ended {
		j.ended = true
		require.NoError(t, <-j.done)
	}
}

// await gives the reader scans until a condition comes true.
func await(t *testing.T, complaint string, done func() bool) {
	t.Helper()
	for range 100 {
		synctest.Wait()
		if done() {
			return
		}
		time.Sleep(pollInterval)
	}
	t.Fatal(complaint)
}

// scans lets the reader scan the folder so many times.
func scans(n int) {
	time.Sleep(time.Duration(n) * pollInterval)
	synctest.Wait()
}

func (j *job) users() (users []string) {
	for _, e := range j.Delivered() {
		users = append(users, e.User)
	}
	return users
}

func (j *job) awaitUsers(t *testing.T, users ...string) {
	t.Helper()
	await(t, strings.Join(users, ", ")+" were not delivered", func() bool { return len(j.Delivered()) >= len(users) })
	require.Equal(t, users, j.users())
}

// once reads everything that is there.
func once(t *testing.T, s tail.Settings, store *sourcetest.Store) *job {
	t.Helper()
	return onceLater(t, s, store, 0)
}

// onceLater is once, when so much time has passed in which nothing was written.
func onceLater(t *testing.T, s tail.Settings, store *sourcetest.Store, later time.Duration) *job {
	t.Helper()
	s.Follow, s.Options.Once = false, true
	j := newJob()
	j.later = later
	j.begin(t, s, store)
	j.wait(t)
	return j
}

// atOnce is so early that no time passes.
const atOnce = -time.Hour

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// exported writes one of the real exports to the disk.
func exported(t *testing.T, disk *memoryDisk, name string) (path string) {
	t.Helper()
	disk.write("/exports/"+name, content(t, exports+name))
	return "/exports/" + name
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func zstandard(t *testing.T, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	require.NoError(t, err)
	return string(w.EncodeAll([]byte(text), nil))
}

func ids(events []session.Event) (ids []session.ID) {
	for i := range events {
		ids = append(ids, events[i].RecordID)
	}
	return ids
}

var when = time.Date(2026, 11, 21, 22, 0, 39, 455319000, time.UTC)

// rowOf is a successful login of this user as ClickHouse exports it, some microseconds after the others'.
func rowOf(user string) string {
	n := 0
	for _, c := range user {
		n = n*31 + int(c)
	}
	text, _ := json.Marshal(map[string]any{
		"hostname": "ch-0", "type": "LoginSuccess", "auth_id": uuid.NewSHA1(uuid.NameSpaceOID, []byte(user)).String(),
		"event_time_microseconds": when.Add(time.Duration(n%1000) * time.Microsecond).Format("2006-01-02 15:04:05.000000"),
		"user":                    user, "auth_type": "SHA256_PASSWORD", "client_address": "::ffff:10.0.0.7", "client_port": 40000, "interface": "TCP",
	})
	return string(text) + "\n"
}

func rowsOf(users ...string) (text string) {
	for _, user := range users {
		text += rowOf(user)
	}
	return text
}

// many makes a long beginning, so that more than one row is hashed.
func many(prefix string, n int) (users []string) {
	for i := range n {
		users = append(users, prefix+string(rune('a'+i%26))+string(rune('a'+i/26)))
	}
	return users
}

func sshdLine(second, pid int, message string) string {
	return fmt.Sprintf("2026-11-21T22:%02d:%02dZ vm sshd[%d]: %s\n", second/60, second%60, pid, message)
}

func accepted(second int, user string) string {
	return sshdLine(second, 100+second, "Accepted password for "+user+" from 10.6.6.6 port 5 ssh2")
}

// serverLine is one of a PostgreSQL 15, which leaves it to the reader to find out who was let in. after counts from a minute ago.
func serverLine(after time.Duration, pid int, severity, message string) string {
	at := testStart.Add(after - time.Minute).Format("2006-01-02 15:04:05.000 UTC")
	return fmt.Sprintf("%s [%d] %x.%x alice@app %s:  %s\n", at, pid, 0x6b02117b, pid, severity, message)
}

func received(after time.Duration, pid int) string {
	return serverLine(after, pid, "LOG", fmt.Sprintf("connection received: host=10.0.0.7 port=%d", pid))
}

func authorized(after time.Duration, pid int) string {
	return serverLine(after, pid, "LOG", "connection authorized: user=alice database=app")
}

const serverPath = "/log/postgresql.log"

func (d *memoryDisk) serverSettings(include ...string) tail.Settings {
	s := d.settings(include...)
	s.Options.LinePrefix, s.FallbackFormat = "%m [%p] %c %q%u@%d ", formats.PostgreSQLStderr
	return s
}

// briefs say what records tell.
func briefs(events []session.Event) (lines []string) {
	for i := range events {
		e := &events[i]
		lines = append(lines, fmt.Sprintf("%s %s %q %s %d %s", e.Kind, e.Outcome, e.User, e.ClientAddress, e.ClientPort, e.StatusCode))
	}
	slices.Sort(lines)
	return lines
}

type savedCursor struct {
	Path           string
	Offset, Anchor int64
}

// savedCursors are those of a store by path: of several, the one that goes furthest.
func savedCursors(t *testing.T, store *sourcetest.Store) map[string]savedCursor {
	t.Helper()
	cursors := map[string]savedCursor{}
	for n := range 100 {
		text, err := store.Get(t.Context(), fmt.Sprintf("file.%d", n))
		require.NoError(t, err)
		if text == nil {
			continue
		}
		var c savedCursor
		require.NoError(t, json.Unmarshal(text, &c))
		if known, ok := cursors[c.Path]; !ok || c.Offset >= known.Offset {
			cursors[c.Path] = c
		}
	}
	return cursors
}

// takeOnly ends the reader once these events were delivered, which come one a batch. No other is: several batches are under way.
func takeOnly(j *job, wanted []session.ID) func(context.Context, int, []session.Event) error {
	var left atomic.Int64
	left.Store(int64(len(wanted)))
	return func(ctx context.Context, _ int, batch []session.Event) error {
		if !slices.Contains(wanted, batch[0].RecordID) {
			<-ctx.Done()
			return ctx.Err()
		}
		if left.Add(-1) == 0 {
			j.cancel()
		}
		return nil
	}
}

// dieAfter runs a reader until its process dies: after this number of saves, within the next save or already at the next delivery.
func dieAfter(t *testing.T, s tail.Settings, store *sourcetest.Store, saves int, saving bool) *job {
	t.Helper()
	s.Follow, s.Options.Once = false, true
	j := newJob()
	j.later = atOnce
	var dead atomic.Bool
	die := func() error {
		dead.Store(true)
		j.cancel()
		return context.Canceled
	}
	store.OnWrite = func(_ context.Context, call int, _ string) error {
		if wasDead := dead.Load(); !wasDead && call <= saves {
			return nil
		} else if wasDead {
			return die()
		}
		return sourcetest.TearHalf(die(), saves/2)
	}
	j.Fate = func(context.Context, int, []session.Event) error {
		if dead.Load() || !saving && store.Writes() >= saves {
			return die()
		}
		return nil
	}
	j.begin(t, s, store)
	j.wait(t)
	return j
}
