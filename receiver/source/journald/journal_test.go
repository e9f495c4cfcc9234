package journald_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/sshlog"
	"github.com/otel-sessionlog/sessionlog/receiver/source/journald"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// job is a source at work, and all that it tells.
type job struct {
	*sourcetest.Recorder
	stats  sourcetest.Stats
	logs   *observer.ObservedLogs
	cancel context.CancelFunc
	done   chan error

	mu     sync.Mutex
	later  time.Duration
	status error
}

func start(t testing.TB, cfg journald.Config, store *sourcetest.Store) *job {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	j := &job{Recorder: &sourcetest.Recorder{}, logs: logs, done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	j.cancel = cancel
	host := sourcetest.Host(t, j.Recorder, store, nil)
	host.Stats, host.Log = &j.stats, zap.New(core)
	host.Status = func(err error) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.status = err
	}
	host.Now = func() time.Time {
		j.mu.Lock()
		defer j.mu.Unlock()
		return time.Now().Add(j.later)
	}
	src := newSource(t, cfg)
	go func() { j.done <- src.Run(ctx, host) }()
	t.Cleanup(func() { j.stop(t) })
	return j
}

func (j *job) stop(t testing.TB) {
	t.Helper()
	j.cancel()
	select {
	case err := <-j.done:
		require.NoError(t, err)
		j.done <- nil
	case <-time.After(time.Minute):
		t.Fatal("the source does not end")
	}
}

func (j *job) advance(d time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.later += d
}

func (j *job) lastStatus() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.status
}

// looks waits until the journal was looked at twice from now on.
func (j *job) looks(t testing.TB) {
	t.Helper()
	before := j.stats.Counts().ReadCalls
	await(t, "the journal is not looked at", func() bool { return j.stats.Counts().ReadCalls >= before+2 })
}

func await(t testing.TB, complaint string, done func() bool) {
	t.Helper()
	require.Eventually(t, done, time.Minute, 2*time.Millisecond, complaint)
}

func (j *job) users() (users []string) {
	for _, e := range j.Delivered() {
		users = append(users, e.User)
	}
	return users
}

func (j *job) awaitUsers(t testing.TB, users ...string) {
	t.Helper()
	await(t, strings.Join(users, ", ")+" were not told", func() bool { return len(j.Delivered()) >= len(users) })
	require.Equal(t, users, j.users())
}

func (j *job) warnings() (texts []string) {
	for _, e := range j.logs.FilterLevelExact(zapcore.WarnLevel).All() {
		texts = append(texts, e.Message)
	}
	return texts
}

func (j *job) awaitWarning(t testing.TB, parts ...string) {
	t.Helper()
	await(t, "no warning with "+parts[0], func() bool {
		for _, text := range j.warnings() {
			all := true
			for _, part := range parts {
				all = all && strings.Contains(text, part)
			}
			if all {
				return true
			}
		}
		return false
	})
}

var at = time.Now().Add(-time.Hour).Truncate(time.Second)

func accepted(n int, user string) entry {
	return message(at.Add(time.Duration(n)*time.Second), int64(100+n), fmt.Sprintf("Accepted password for %s from 192.0.2.1 port %d ssh2", user, 5000+n))
}

// TestTheSameEventsAsOfAnExport: what the source tells is what `journalctl -o json` in a file is, with the same ids.
func TestTheSameEventsAsOfAnExport(t *testing.T) {
	j := newJournal(t)
	raw := message(at.Add(3*time.Second), 7, "Invalid user a\xff\x00\n from 192.0.2.9 port 7")
	huge := message(at.Add(4*time.Second), 8, "Invalid user "+strings.Repeat("x", 10_000)+" from 192.0.2.9 port 8")
	source := accepted(5, "mara")
	source.fields["_SOURCE_REALTIME_TIMESTAMP"] = fmt.Sprint(at.Add(4500 * time.Millisecond).UnixMicro())
	noPID := message(at.Add(6*time.Second), 0, "Failed password for root from 192.0.2.9 port 9 ssh2")
	delete(noPID.fields, "_PID")
	noPID.fields["SYSLOG_PID"] = "77"
	j.write(t, accepted(1, "bo"), message(at.Add(2*time.Second), 101, "pam_unix(sshd:session): session closed for user bo"), raw, huge, source, noPID)

	run := start(t, config(j), &sourcetest.Store{})
	await(t, "too few events", func() bool { return len(run.Delivered()) >= 4 })
	run.advance(time.Hour)
	await(t, "what waits is not decided", func() bool { return len(run.Delivered()) >= 6 })
	require.Empty(t, run.stats.Counts().Reasons)

	text, err := exec.Command("journalctl", "--directory="+j.dir, "--output=json", "--all").Output()
	require.NoError(t, err)
	format, verdict := logformat.Detect(sshlog.Formats(), text[:min(len(text), 4096)], false)
	require.Equal(t, logformat.VerdictYes, verdict)
	parser, page, place := format.New(logformat.Options{Instance: "h1"}), &logformat.EventBatch{}, int64(0)
	for _, line := range strings.SplitAfter(string(text), "\n") {
		require.NoError(t, parser.Parse(line, place, page))
		place += int64(len(line))
	}
	parser.FlushDue(time.Now().Add(24*time.Hour).UnixNano(), page)
	require.Len(t, page.Events, 6)
	got := run.Delivered()
	for i := range page.Events {
		require.True(t, sessiontest.SameContent(&page.Events[i], &got[i]), "%d: %+v\n%+v", i, page.Events[i], got[i])
		require.Equal(t, page.Events[i].RecordID, got[i].RecordID)
	}
	require.Equal(t, at.Add(4500*time.Millisecond).UnixNano(), got[2].Time, "when the program wrote")
	require.Equal(t, int64(77), got[3].PID)
	require.Equal(t, "a\xff\x00\n", got[4].User)
}

// TestAConnectionOverARestart of the collector and of the machine.
func TestAConnectionOverARestart(t *testing.T) {
	j, store := newJournal(t), &sourcetest.Store{}
	j.write(t, accepted(1, "bo"))
	run := start(t, config(j), store)
	run.awaitUsers(t, "bo")
	run.stop(t)
	closed := message(at.Add(time.Minute), 101, "pam_unix(sshd:session): session closed for user bo")
	again := accepted(120, "kim")
	again.boot, again.fields["_PID"] = "f0000000000000000000000000000000", "101"
	j.write(t, closed, again)
	second := start(t, config(j), store)
	second.awaitUsers(t, "bo", "kim")
	require.Equal(t, run.Delivered()[0].SessionKey, second.Delivered()[0].SessionKey)
	require.NotEqual(t, run.Delivered()[0].SessionKey, second.Delivered()[1].SessionKey)
	require.Empty(t, second.warnings())
}

// TestAJournalThatWasVacuumed: what is left is read, and what was lost is said and counted.
func TestAJournalThatWasVacuumed(t *testing.T) {
	j, store := newJournal(t), &sourcetest.Store{}
	j.write(t, accepted(1, "bo"))
	run := start(t, config(j), store)
	run.awaitUsers(t, "bo")
	run.looks(t)

	// Rotated: the file has another name, and a new one goes on.
	require.NoError(t, os.Rename(filepath.Join(j.dir, "system.journal"), filepath.Join(j.dir, "system@1.journal")))
	j.write(t, accepted(2, "kim"))
	run.awaitUsers(t, "bo", "kim")
	run.looks(t)
	require.Empty(t, run.warnings())

	// Vacuumed while the collector reads on: the entry of the cursor goes, but all since then is there.
	run.stop(t)
	for _, name := range []string{"system@1.journal", "system.journal"} {
		require.NoError(t, os.Remove(filepath.Join(j.dir, name)))
	}
	j.write(t, accepted(3, "lost and never seen"))
	require.NoError(t, os.Remove(filepath.Join(j.dir, "system.journal")))
	late := message(time.Now().Add(time.Hour), 900, "Accepted password for ada from 192.0.2.1 port 900 ssh2")
	j.write(t, late)
	second := start(t, config(j), store)
	second.awaitUsers(t, "ada")
	second.awaitWarning(t, "removed before they could be read", "SystemMaxUse=")
	require.NotZero(t, second.stats.Counts().Lost)
	second.looks(t)
	require.Equal(t, []string{"ada"}, second.users(), "and once")
}

// TestAQuietHostsCursorLeavesTheJournal: nothing was lost, and nobody is told that it was.
func TestAQuietHostsCursorLeavesTheJournal(t *testing.T) {
	j, store := newJournal(t), &sourcetest.Store{}
	j.write(t, accepted(1, "bo"))
	j.file = "other.journal"
	cron := message(at.Add(2*time.Second), 1, "a job")
	cron.fields["SYSLOG_IDENTIFIER"] = "cron"
	j.write(t, cron)
	run := start(t, config(j), store)
	run.awaitUsers(t, "bo")
	run.looks(t)
	require.NoError(t, os.Remove(filepath.Join(j.dir, "system.journal")))
	run.awaitWarning(t, "the journal holds no entry of sshd", "any more", "identifiers")
	require.Len(t, run.warnings(), 1)
	j.write(t, accepted(3, "kim"))
	run.awaitUsers(t, "bo", "kim")
	require.Zero(t, run.stats.Counts().Lost)
	await(t, "nobody says that it is over", func() bool { return run.logs.FilterMessage("the journal holds entries of sshd").Len() == 1 })
}

// TestTheLastEntryLeavesTheJournal: the source is where it was before the first, says so once, and knows what it knew.
func TestTheLastEntryLeavesTheJournal(t *testing.T) {
	j, store := newJournal(t), &sourcetest.Store{}
	j.write(t, accepted(1, "bo"))
	j.file = "other.journal"
	cron := message(at.Add(2*time.Second), 1, "a job")
	cron.fields["SYSLOG_IDENTIFIER"] = "cron"
	j.write(t, cron)
	run := start(t, config(j), store)
	run.awaitUsers(t, "bo")
	require.NoError(t, os.Remove(filepath.Join(j.dir, "system.journal")))
	run.awaitWarning(t, "the journal holds no entry of sshd", "any more", "identifiers")
	run.looks(t)
	require.Equal(t, 1, run.logs.FilterMessageSnippet("has left the journal").Len(), "once, not with every look")
	run.stop(t)
	second := start(t, config(j), store)
	second.awaitWarning(t, "the journal holds no entry of sshd")
	j.write(t, message(at.Add(3*time.Second), 101, "pam_unix(sshd:session): session closed for user bo"))
	second.awaitUsers(t, "bo")
	require.Equal(t, run.Delivered()[0].SessionKey, second.Delivered()[0].SessionKey)
	require.Zero(t, second.stats.Counts().Lost)
	second.stop(t)

	// While the collector was away, entries came and went.
	require.NoError(t, os.Remove(filepath.Join(j.dir, j.file)))
	j.write(t, cron)
	third := start(t, config(j), store)
	third.awaitWarning(t, "the journal holds no entry of sshd")
	third.stop(t)
	require.NoError(t, os.Remove(filepath.Join(j.dir, j.file)))
	cron.at = time.Now().Add(time.Hour)
	j.write(t, cron)
	fourth := start(t, config(j), store)
	fourth.awaitWarning(t, "removed before they could be read")
	require.NotZero(t, fourth.stats.Counts().Lost)
}

// TestJournalctlGetsNoPassword of the configuration, which the collector's environment may hold.
func TestJournalctlGetsNoPassword(t *testing.T) {
	t.Setenv("DATABASE_PASSWORD", "secret")
	t.Setenv("SYSTEMD_DUMMY", "kept")
	j := newJournal(t)
	j.write(t, accepted(1, "bo"))
	cfg, seen := config(j), filepath.Join(t.TempDir(), "environment")
	cfg.Journalctl = script(t, "env >"+seen+"; exec journalctl \"$@\"")
	start(t, cfg, &sourcetest.Store{}).awaitUsers(t, "bo")
	text, err := os.ReadFile(seen) //nolint:gosec // the test's own
	require.NoError(t, err)
	require.NotContains(t, string(text), "secret")
	for _, kept := range []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "SYSTEMD_DUMMY=kept"} {
		require.Contains(t, string(text), kept)
	}
}

// TestOtherEntriesThanBefore: a change of the keys moves no cursor.
func TestOtherEntriesThanBefore(t *testing.T) {
	j, store := newJournal(t), &sourcetest.Store{}
	other := accepted(2, "ada")
	other.fields["SYSLOG_IDENTIFIER"] = "my-sshd"
	j.write(t, accepted(1, "bo"), other)
	run := start(t, config(j), store)
	run.awaitUsers(t, "bo")
	run.stop(t)
	cfg := config(j)
	cfg.Identifiers = []string{"my-sshd"}
	second := start(t, cfg, store)
	second.awaitUsers(t, "ada")
	second.looks(t)
	require.Equal(t, []string{"ada"}, second.users())
	require.Empty(t, second.warnings())
}

// TestTheEndOfASessionWithoutPAM is told by a process that runs as the user, and by no other program of a user's.
func TestTheEndOfASessionWithoutPAM(t *testing.T) {
	j := newJournal(t)
	byUser := func(e entry, exe string) entry {
		e.fields["_UID"], e.fields["_EXE"] = "1000", exe
		return e
	}
	j.write(t, accepted(1, "bo"), accepted(2, "kim"),
		byUser(message(at.Add(3*time.Second), 201, "Received disconnect from 192.0.2.1 port 5001:11: disconnected by user"), "/usr/sbin/sshd"),
		byUser(message(at.Add(3*time.Second), 201, "Disconnected from user bo 192.0.2.1 port 5001"), "/usr/sbin/sshd"),
		byUser(message(at.Add(4*time.Second), 202, "Disconnected from user kim 192.0.2.1 port 5002"), "/usr/bin/logger"), accepted(5, "ada"))
	run := start(t, config(j), &sourcetest.Store{})
	run.awaitUsers(t, "bo", "kim", "bo", "ada")
	require.Equal(t, 1, run.stats.Counts().BadRows)
	require.Contains(t, run.stats.Counts().Reasons[0], "_EXE")
}

// TestUnits: only entries of these units are read, and of the scope where PAM moved a session its end alone.
func TestUnits(t *testing.T) {
	j := newJournal(t)
	inUnit := func(e entry, unit string) entry {
		e.fields["_SYSTEMD_UNIT"] = unit
		return e
	}
	j.write(t, inUnit(accepted(1, "bo"), "sshd@0-a:22-b:1.service"), inUnit(accepted(2, "other"), "other-sshd.service"),
		inUnit(accepted(3, "scope"), "session-3.scope"),
		inUnit(message(at.Add(4*time.Second), 101, "pam_unix(sshd:session): session closed for user bo"), "session-3.scope"))
	cfg := config(j)
	cfg.Units = []string{"ssh.service", "sshd@*.service"}
	run := start(t, cfg, &sourcetest.Store{})
	run.awaitUsers(t, "bo", "bo")
}

// TestInitialEnd passes over what is there at the very first start.
func TestInitialEnd(t *testing.T) {
	j, store := newJournal(t), &sourcetest.Store{}
	j.write(t, accepted(1, "bo"))
	cfg := config(j)
	cfg.Initial = "end"
	run := start(t, cfg, store)
	run.looks(t)
	j.write(t, accepted(2, "kim"))
	run.awaitUsers(t, "kim")
	run.stop(t)
	j.write(t, accepted(3, "ada"))
	start(t, cfg, store).awaitUsers(t, "ada")
}

// TestEntriesThatAreTooLong are counted once, and the others are read.
func TestEntriesThatAreTooLong(t *testing.T) {
	j := newJournal(t)
	j.write(t, accepted(1, "bo"), message(at.Add(2*time.Second), 2, "Invalid user "+strings.Repeat("x", 5000)+" from 192.0.2.9 port 8"))
	cfg := config(j)
	cfg.MaxLineBytes = 2048
	run := start(t, cfg, &sourcetest.Store{})
	run.awaitUsers(t, "bo")
	run.looks(t)
	j.write(t, accepted(3, "kim"))
	run.awaitUsers(t, "bo", "kim")
	run.looks(t)
	require.Equal(t, 1, run.stats.Counts().BadRows)
	require.Contains(t, run.stats.Counts().Reasons[0], "max_line_bytes")
}

// TestWhatKeepsLoginsOutIsAWarning that names the key or the remedy, is the status, and is over when it is over.
func TestWhatKeepsLoginsOutIsAWarning(t *testing.T) {
	j := newJournal(t)
	absent := config(j)
	absent.Journalctl = filepath.Join(t.TempDir(), "journalctl")
	noFolder := config(j)
	noFolder.Directory = filepath.Join(j.dir, "none")
	failing := config(j)
	failing.Journalctl = script(t, "echo some trouble >&2; exit 3")
	other := newJournal(t)
	cron := accepted(1, "x")
	cron.fields["SYSLOG_IDENTIFIER"] = "cron"
	other.write(t, cron)
	for name, test := range map[string]struct {
		cfg  journald.Config
		says []string
	}{
		"no journalctl": {absent, []string{"key journalctl"}},
		"no journal":    {noFolder, []string{"key directory", "Storage=persistent"}},
		"no entry":      {config(other), []string{"identifiers"}},
		"failing":       {failing, []string{"exit status 3", "some trouble"}},
	} {
		run := start(t, test.cfg, &sourcetest.Store{})
		run.awaitWarning(t, test.says...)
		if name != "no entry" {
			require.ErrorContains(t, run.lastStatus(), test.says[0], name)
		}
		run.stop(t)
		require.Len(t, run.warnings(), 1, "%s: once", name)
	}

	late := config(j)
	run := start(t, late, &sourcetest.Store{})
	run.awaitWarning(t, "there is no journal")
	j.write(t, accepted(1, "bo"))
	run.awaitUsers(t, "bo")
	await(t, "the status stays", func() bool { return run.lastStatus() == nil })
	await(t, "nobody says that it is over", func() bool { return run.logs.FilterMessage("the journal is read again").Len() == 1 })
}

// TestWithoutTheRightToRead: a user outside the group systemd-journal.
func TestWithoutTheRightToRead(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be another user")
	}
	j := newJournal(t)
	j.write(t, accepted(1, "bo"))
	require.NoError(t, os.Chmod(j.dir, 0o755)) //nolint:gosec // the folder can be seen, its files cannot be read
	for dir := filepath.Dir(j.dir); strings.HasPrefix(dir, os.TempDir()) && dir != os.TempDir(); dir = filepath.Dir(dir) {
		require.NoError(t, os.Chmod(dir, 0o755)) //nolint:gosec // as above
	}
	cfg := config(j)
	cfg.Journalctl = filepath.Join(j.dir, "as-nobody")
	require.NoError(t, os.WriteFile(cfg.Journalctl, []byte("#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups journalctl \"$@\"\n"), 0o700)) //nolint:gosec // it is to be run
	run := start(t, cfg, &sourcetest.Store{})
	run.awaitWarning(t, "usermod -a -G systemd-journal")
	run.stop(t)
	findings := cfg.CheckConnection(context.Background())
	require.Len(t, findings, 1)
	require.False(t, findings[0].OK)
	require.Contains(t, findings[0].Remedy, "systemd-journal")
}

func TestCheckConnection(t *testing.T) {
	j := newJournal(t)
	findings := config(j).CheckConnection(context.Background())
	require.Len(t, findings, 1)
	require.Equal(t, "journald::directory", findings[0].Key)
	require.Contains(t, findings[0].Remedy, "Storage=persistent")

	j.write(t, accepted(1, "bo"))
	findings = config(j).CheckConnection(context.Background())
	require.Len(t, findings, 2)
	require.True(t, findings[0].OK && findings[1].OK, "%+v", findings)

	cfg := config(j)
	cfg.Identifiers = []string{"nobody"}
	findings = cfg.CheckConnection(context.Background())
	require.False(t, findings[1].OK)
	require.Contains(t, findings[1].Remedy, "journald::identifiers")

	cfg.Journalctl = "/nonexistent/journalctl"
	findings = cfg.CheckConnection(context.Background())
	require.Equal(t, "journald::journalctl", findings[0].Key)
	require.NotEmpty(t, findings[0].Remedy)
}

func TestConfig(t *testing.T) {
	require.NoError(t, journald.DefaultConfig().Validate())
	bad := journald.DefaultConfig()
	bad.Identifiers, bad.Units, bad.PollInterval, bad.BatchSize, bad.MaxLineBytes, bad.Initial, bad.Journalctl = nil, []string{"["}, 0, 0, 1, "x", ""
	err := bad.Validate()
	for _, key := range []string{"identifiers", "units[0]", "poll_interval", "batch_size", "max_line_bytes", "initial", "journalctl"} {
		require.ErrorContains(t, err, key+":")
	}
	bad.Units = []string{"ssh"}
	require.ErrorContains(t, bad.Validate(), "write ssh.service")
	name, _ := os.Hostname()
	require.Equal(t, name, journald.DefaultConfig().DefaultInstance())
	bad.Directory = "/d"
	require.Equal(t, name+":/d", bad.DefaultInstance())
}
