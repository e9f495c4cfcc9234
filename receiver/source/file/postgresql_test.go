package file_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/file"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/logins"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// linePrefix has all that a stderr line can tell of a connection.
const linePrefix = "%m [%p] %c %q%u@%d %r %e %a "

var logFormats = []string{server.JSONLog, server.CSVLog, server.Stderr}

// eachLog runs a test against real servers of both versions, in all three formats.
func eachLog(t *testing.T, test func(t *testing.T, s *postgresql.Server, cfg file.Config)) {
	for _, version := range []int{15, 18} {
		for _, format := range logFormats {
			onLog(t, version, format, test)
		}
	}
}

func onLog(t *testing.T, version int, format string, test func(t *testing.T, s *postgresql.Server, cfg file.Config)) {
	t.Run(fmt.Sprintf("%d %s", version, format), func(t *testing.T) {
		t.Parallel()
		s := postgresql.Start(t, postgresql.Version(version), postgresql.LogFormats(format), postgresql.LogLinePrefix(linePrefix))
		test(t, s, serverConfig(s.LogDir(), format))
	})
}

// serverConfig waits long enough for any refusal to follow, on a busy machine too, unless the test ends the waiting.
func serverConfig(dir, format string) file.Config {
	cfg := config(filepath.Join(dir, "*"))
	if format != server.Stderr { // beside them the server keeps a few lines of its start
		cfg.Include = []string{filepath.Join(dir, "*."+strings.TrimSuffix(format, "log"))}
	}
	cfg.Format, cfg.LogLinePrefix, cfg.UndecidedAfter = format, linePrefix, time.Hour
	return cfg
}

// told says what a record tells, as far as the client knows it. Exec's own logins are left out.
func told(events []session.Event) (lines []string) {
	for i := range events {
		e := &events[i]
		if e.User != server.Admin.Name {
			lines = append(lines, fmt.Sprintf("%s %s %q %s %d %s", e.Kind, e.Outcome, e.User, e.ClientAddress, e.ClientPort, e.StatusCode))
		}
	}
	slices.Sort(lines)
	return lines
}

// done says what was done, in the same words. still are sessions that are open, or ended without a word.
func done(all []logins.Login, still ...logins.Login) (lines []string) {
	add := func(l logins.Login, kind session.Kind, outcome session.Outcome) {
		host, port := "[local]", uint16(0)
		if !l.Socket {
			host, port = l.Client.Addr().String(), l.Client.Port()
		}
		lines = append(lines, fmt.Sprintf("%s %s %q %s %d %s", kind, outcome, l.User, host, port, l.Code))
	}
	for _, l := range append(slices.Clone(all), still...) {
		switch l.Outcome {
		case logins.Succeeded:
			add(l, session.KindLogin, session.OutcomeSuccess)
		case logins.Refused:
			add(l, session.KindLogin, session.OutcomeFailure)
		case logins.Abandoned:
		}
	}
	for _, l := range all {
		if l.Outcome == logins.Succeeded {
			add(l, session.KindLogout, session.OutcomeSuccess)
		}
	}
	slices.Sort(lines)
	return lines
}

// awaitDone waits for all that was done, and finds nothing else told.
func awaitDone(t *testing.T, j *job, want []string) {
	t.Helper()
	awaitLines(t, want, func() []string { return told(j.Delivered()) })
	require.Empty(t, difference(told(j.Delivered()), want), "told although nobody did it")
	require.Empty(t, difference(want, told(j.Delivered())), "not told")
}

// difference is what a has more than b; lines may be there several times.
func difference(a, b []string) (more []string) {
	left := map[string]int{}
	for _, line := range b {
		left[line]++
	}
	for _, line := range a {
		if left[line]--; left[line] < 0 {
			more = append(more, line)
		}
	}
	return more
}

// awaitLines waits until as many lines are there as are wanted, and says which are not.
func awaitLines(t *testing.T, want []string, have func() []string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); len(have()) < len(want); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("what was done was not told: %q", difference(want, have()))
		}
	}
}

// checkPairs holds each logout against its login, and ids against each other.
func checkPairs(t *testing.T, events []session.Event) {
	t.Helper()
	logins, seen := map[session.ID]bool{}, map[session.ID]bool{}
	for i := range events {
		e := &events[i]
		require.False(t, seen[e.RecordID], "told twice: %s", told(events[i:i+1]))
		seen[e.RecordID] = true
		require.NotZero(t, e.Observed)
		if e.Kind == session.KindLogin {
			logins[e.SessionKey] = true
		}
	}
	for i := range events {
		if e := &events[i]; e.Kind == session.KindLogout {
			require.True(t, logins[e.SessionKey], "a logout without login: %s", told(events[i:i+1]))
		}
	}
}

func open(t *testing.T, c *logins.Client) (*logins.Session, logins.Login) {
	t.Helper()
	s, l, err := c.Open(t.Context(), logins.Attempt{User: server.Alice.Name, Password: server.Alice.Password, Database: server.AppDB})
	require.NoError(t, err)
	return s, l
}

// stay opens a session that is held to the end of the test, whatever the server does.
func stay(t *testing.T, c *logins.Client) logins.Login {
	session, l := open(t, c)
	t.Cleanup(func() { _ = session.Drop() })
	return l
}

func mix(t *testing.T, c *logins.Client, n int, seed uint64) []logins.Login {
	t.Helper()
	l, err := c.Mix(t.Context(), n, seed, 4)
	require.NoError(t, err)
	return l
}

// awaitRead waits until all that is in the files now was read, and remembered.
func awaitRead(t *testing.T, store *sourcetest.Store, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		info, err := f.Info()
		require.NoError(t, err)
		path := filepath.Join(dir, f.Name())
		await(t, path+" was not read", func() bool { return cursors(t, store)[path].Offset >= info.Size() || ignored(store, t, path) })
	}
}

type mark struct {
	Path           string
	Offset, Anchor int64
}

func cursors(t *testing.T, store *sourcetest.Store) map[string]mark {
	t.Helper()
	marks := map[string]mark{}
	for n := range 100 {
		text, err := store.Get(t.Context(), fmt.Sprintf("file.%d", n))
		require.NoError(t, err)
		if text == nil {
			continue
		}
		var m mark
		require.NoError(t, json.Unmarshal(text, &m))
		if m.Offset >= marks[m.Path].Offset {
			marks[m.Path] = m
		}
	}
	return marks
}

// ignored tells files that the source does not read: those of another format.
func ignored(store *sourcetest.Store, t *testing.T, path string) bool {
	for known := range cursors(t, store) {
		if filepath.Ext(known) != filepath.Ext(path) {
			return true
		}
	}
	return false
}

// Through rotation, truncation, restarts of the collector and a crash of the server the records match what was done, and no
// restart tells anything twice.
func TestRealLoginsThroughEverything(t *testing.T) {
	eachLog(t, func(t *testing.T, s *postgresql.Server, cfg file.Config) {
		c, store := s.Logins(t), &sourcetest.Store{}
		var events []session.Event
		var all, still []logins.Login
		var j *job
		restart := func() {
			j.stop(t)
			events = append(events, j.Delivered()...)
			requireNoBadRows(t, j)
			j = start(t, cfg, store)
		}
		j = start(t, cfg, store)

		// One session from before to after a rotation and a restart, another through a restart alone.
		early, earlyLogin := open(t, c)
		all = append(all, mix(t, c, 10, 2)...)
		s.Rotate(t)
		across, acrossLogin := open(t, c)
		awaitRead(t, store, s.LogDir())
		restart()
		require.NoError(t, early.Close(t.Context()))
		all = append(all, earlyLogin)
		all = append(all, mix(t, c, 10, 3)...)
		restart()
		require.NoError(t, across.Close(t.Context()))
		all = append(all, acrossLogin)

		// A file rotated and another begun while the collector is away.
		j.stop(t)
		events = append(events, j.Delivered()...)
		all = append(all, mix(t, c, 10, 4)...)
		s.Rotate(t)
		each, err := c.Each(t.Context())
		require.NoError(t, err)
		all = append(all, each...)
		j = start(t, cfg, store)
		awaitRead(t, store, s.LogDir())

		// The file is truncated while a session is open. What a client has seen happen may be logged some time later.
		awaitLines(t, done(all), func() []string { return told(append(slices.Clone(events), j.Delivered()...)) })
		cut, cutLogin := open(t, c)
		settled := s.WaitLog(t, cfg.Format, func(log []byte) bool { return strings.HasSuffix(string(log), "\n") })
		require.NotEmpty(t, settled)
		awaitLogged(t, s, cfg.Format, cutLogin)
		awaitRead(t, store, s.LogDir())
		files := s.LogFiles(cfg.Format)
		require.NoError(t, os.Truncate(files[len(files)-1], 0))
		require.NoError(t, cut.Close(t.Context()))
		all = append(all, cutLogin)
		all = append(all, mix(t, c, 10, 6)...)

		// The server is killed: whether its sessions still say a last word is chance.
		lost := stay(t, c)
		still = append(still, lost)
		awaitLogged(t, s, cfg.Format, lost)
		s.Kill(t)
		s.Restart(t)
		c = s.Logins(t)
		all = append(all, mix(t, c, 10, 7)...)
		others := func() []string {
			return slices.DeleteFunc(told(append(slices.Clone(events), j.Delivered()...)), func(line string) bool {
				return strings.Contains(line, fmt.Sprintf(" %d ", lost.Client.Port()))
			})
		}
		awaitLines(t, done(all), others) // from here on the log is quiet, so time may leap
		restart()
		j.stop(t)
		events = append(events, j.Delivered()...)
		events = append(events, onceLater(t, cfg, store, 2*cfg.UndecidedAfter).Delivered()...)
		want := done(all, still...)
		have := slices.DeleteFunc(told(events), func(line string) bool {
			return strings.HasPrefix(line, "logout ") && strings.Contains(line, fmt.Sprintf(" %d ", lost.Client.Port()))
		})
		require.Empty(t, difference(have, want), "told although nobody did it")
		require.Empty(t, difference(want, have), "not told")
		checkPairs(t, events)
		require.Empty(t, told(onceLater(t, cfg, store, 4*cfg.UndecidedAfter).Delivered()), "told again after a clean stop")
	})
}

func requireNoBadRows(t *testing.T, j *job) {
	t.Helper()
	counts := j.stats.Counts()
	for i, place := range counts.Places {
		path, offset, _ := strings.Cut(place, ":")
		at, _ := strconv.Atoi(offset)
		text, _ := os.ReadFile(path)
		t.Errorf("%s: %s: %.600q", place, counts.Reasons[i], text[min(at, len(text)):])
	}
}

// awaitLogged waits until the server has written of a login, the last line of it included.
func awaitLogged(t *testing.T, s *postgresql.Server, format string, l logins.Login) {
	t.Helper()
	_, port, err := net.SplitHostPort(l.Client.String())
	require.NoError(t, err)
	s.WaitLog(t, format, func(log []byte) bool {
		for line := range strings.Lines(string(log)) {
			if strings.Contains(line, "connection authorized") && strings.Contains(line, port) && strings.HasSuffix(line, "\n") {
				return true
			}
		}
		return false
	})
}

// A file that is gone takes nothing along of connections that began in it.
func TestHalfSeenConnectionsOutliveTheirFile(t *testing.T) {
	s := postgresql.Start(t, postgresql.Version(15), postgresql.LogFormats(server.JSONLog))
	cfg, store, c := serverConfig(s.LogDir(), server.JSONLog), &sourcetest.Store{}, s.Logins(t)
	j := start(t, cfg, store)
	half, login := open(t, c)
	awaitLogged(t, s, server.JSONLog, login)
	s.Rotate(t)
	all := mix(t, c, 5, 1)
	awaitRead(t, store, s.LogDir())
	old := s.LogFiles(server.JSONLog)[0]
	m := cursors(t, store)[old]
	require.Less(t, m.Anchor, m.Offset, "the cursor has passed the first line of a half-seen connection")
	j.stop(t)
	events := j.Delivered()

	require.NoError(t, os.Remove(old))
	j = start(t, cfg, store)
	require.NoError(t, half.Close(t.Context()))
	want := done(append(all, login))
	awaitLines(t, want, func() []string { return told(append(slices.Clone(events), j.Delivered()...)) })
	j.stop(t)
	events = append(events, j.Delivered()...)
	require.Empty(t, difference(told(events), want), "told although nobody did it")
	checkPairs(t, events)
}

// The process dies behind any page, and before or after any save; the next one tells the rest, and the records are the same.
func TestCrashesWithinRealLogs(t *testing.T) {
	s := postgresql.Start(t, postgresql.Version(15), postgresql.LogLinePrefix(linePrefix))
	c := s.Logins(t)
	var all []logins.Login
	var half []*logins.Session
	for seed := range uint64(3) {
		for range 3 {
			session, l := open(t, c)
			half, all = append(half, session), append(all, l)
		}
		all = append(all, mix(t, c, 12, 10+seed)...)
		s.Rotate(t)
		for _, h := range half[:2] {
			require.NoError(t, h.Close(t.Context()))
		}
		half = half[2:]
	}
	for _, h := range half {
		require.NoError(t, h.Close(t.Context()))
	}
	n := 0
	for _, l := range all {
		if l.Outcome == logins.Succeeded {
			n++
		}
	}
	for _, format := range logFormats {
		s.WaitLog(t, format, func(log []byte) bool {
			return strings.Count(string(log), "disconnection: session time") >= n+strings.Count(string(log), "connection authorized: user="+server.Admin.Name)
		})
		t.Run(format, func(t *testing.T) { crashEverywhere(t, serverConfig(s.LogDir(), format), done(all)) })
	}
}

func crashEverywhere(t *testing.T, cfg file.Config, want []string) {
	cfg.BatchSize = 1
	store := &sourcetest.Store{}
	require.Equal(t, want, told(once(t, cfg, store).Delivered()))
	step := 1 + store.Writes()/20
	for cut := 1; cut < store.Writes(); cut += step {
		left := &sourcetest.Store{}
		first := dieAfter(t, cfg, left, cut, cut/step%2 == 0)
		second := once(t, cfg, left.Fork())
		byID := map[session.ID]session.Event{}
		for _, e := range append(first.Delivered(), second.Delivered()...) {
			if known, again := byID[e.RecordID]; again {
				require.True(t, sessiontest.SameContent(&known, &e), "another content under the same id:\n%+v\n%+v", known, e)
			}
			byID[e.RecordID] = e
		}
		var events []session.Event
		for _, e := range byID {
			events = append(events, e)
		}
		require.Equal(t, want, told(events), "after save %d of %d", cut, store.Writes())
	}
}

// dieAfter runs the source until its process dies: after this number of saves, at the next save or already at the next
// delivery.
func dieAfter(t *testing.T, cfg file.Config, store *sourcetest.Store, saves int, saving bool) *job {
	t.Helper()
	cfg.Follow = false
	j := newJob(t)
	j.later = atOnce
	var dead atomic.Bool
	die := func() error {
		dead.Store(true)
		j.cancel()
		return context.Canceled
	}
	store.OnWrite = func(_ context.Context, call int, _ string) error {
		if call > saves || dead.Load() {
			return die()
		}
		return nil
	}
	j.Fate = func(context.Context, int, []session.Event) error {
		if dead.Load() || !saving && store.Writes() >= saves {
			return die()
		}
		return nil
	}
	j.begin(t, newSource(t, cfg), store)
	j.wait(t)
	return j
}
