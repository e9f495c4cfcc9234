package file_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/receiver/source/file"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
)

// watched starts a source whose log is kept.
func watched(t *testing.T, cfg file.Config) (*job, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	j := newJob(t)
	j.log = zap.New(core)
	j.begin(t, newSource(t, cfg), &sourcetest.Store{})
	return j, logs
}

// warned waits for a warning that has all these texts in its message and fields.
func warned(t *testing.T, logs *observer.ObservedLogs, texts ...string) {
	t.Helper()
	found := func() bool {
		for _, e := range logs.FilterLevelExact(zap.WarnLevel).All() {
			text := e.Message
			for _, v := range e.ContextMap() {
				if s, ok := v.(string); ok {
					text += " " + s
				}
			}
			all := true
			for _, want := range texts {
				all = all && strings.Contains(text, want)
			}
			if all {
				return true
			}
		}
		return false
	}
	await(t, "no warning of "+strings.Join(texts, ", "), found)
}

func TestWhatMatchesNothingIsSaidWhileItLasts(t *testing.T) {
	dir, path := place(t)
	write(t, path, rowsOf("a"))
	gone := filepath.Join(dir, "gone", "*.log")
	j, logs := watched(t, config(path, gone, filepath.Join(dir, "single.log")))
	warned(t, logs, "there is no file to read", gone)
	warned(t, logs, "there is no file to read", filepath.Join(dir, "single.log"))
	require.NotContains(t, logs.FilterLevelExact(zap.WarnLevel).All()[0].ContextMap()["include"], path)
	j.awaitUsers(t, "a")
	require.Empty(t, logs.FilterMessage("there is a file to read").All())
	write(t, filepath.Join(dir, "single.log"), rowsOf("b"))
	j.awaitUsers(t, "a", "b")
	await(t, "it was not said that the file is there", func() bool { return logs.FilterMessage("there is a file to read").Len() == 1 })
	j.stop(t)
}

func TestAnUnknownFormatIsSaidWithItsKind(t *testing.T) {
	for text, kind := range map[string]string{
		"LPKSHHRH\x00\x00\x00\x00secretname": "a systemd journal", "\xfd7zXZ\x00secretname": "xz, which is not read",
		"\x01\x02secretname": "binary data", "secretname said hello\n": "text that begins with a letter",
		"2026-11-21T22:01:32Z 8 [Note] Access denied for user 'secretname'@'192.0.2.1' (using password: YES)\n": "the error log of MySQL", "{\"secretname\":1}\n": "for the source http",
	} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "x.log"), text+strings.Repeat("\n", 5000))
			j, logs := watched(t, config(filepath.Join(dir, "*")))
			warned(t, logs, "none of the known formats", kind, "format")
			j.stop(t)
			for _, e := range logs.All() {
				for _, v := range e.ContextMap() {
					require.NotContains(t, v, "secretname")
				}
			}
		})
	}
}

func TestAFileOfBadLinesIsSaid(t *testing.T) {
	dir, path := place(t)
	write(t, path, rowsOf("a"))
	write(t, filepath.Join(dir, "bad.jsonl"), strings.Repeat("{torn\n", 5))
	write(t, filepath.Join(dir, "partly.jsonl"), rowsOf("b")+strings.Repeat("{torn\n", 5)+rowsOf("c"))
	cfg := config(filepath.Join(dir, "*"))
	cfg.Format = "JSONEachRow"
	j, logs := watched(t, cfg)
	warned(t, logs, "no line of a file can be read", "bad.jsonl", "JSONEachRow")
	await(t, "not all was told", func() bool { return len(j.Delivered()) >= 3 && j.stats.Counts().BadRows >= 10 })
	j.stop(t)
	require.ElementsMatch(t, []string{"a", "b", "c"}, j.users())
	require.Equal(t, 10, j.stats.Counts().BadRows)
	for _, e := range logs.FilterMessageSnippet("no line of a file can be read").All() {
		require.Equal(t, filepath.Join(dir, "bad.jsonl"), e.ContextMap()["file"], "some of its lines can be read")
	}
}

// A folder of files that all cannot be read does not fill the log.
func TestOfManyFilesThatCannotBeReadSomeAreNamed(t *testing.T) {
	dir := t.TempDir()
	for n := range 25 {
		write(t, filepath.Join(dir, fmt.Sprintf("%02d.log", n)), fmt.Sprintf("hello %d\n", n)+strings.Repeat("\n", 5000))
	}
	j, logs := watched(t, config(filepath.Join(dir, "*")))
	warned(t, logs, "further files cannot be read")
	require.Equal(t, 20, logs.FilterMessageSnippet("a file cannot be read").Len())
	require.EqualValues(t, 5, logs.FilterMessage("further files cannot be read").All()[0].ContextMap()["files"])
	for n := range 5 {
		require.NoError(t, os.Remove(filepath.Join(dir, fmt.Sprintf("%02d.log", n))))
	}
	await(t, "it was not said that no more are unreadable", func() bool { return logs.FilterMessageSnippet("no further files are unreadable").Len() == 1 })
	j.stop(t)
}

// One file that may not be read stops no other, and its warning has the command that mends it. Root may read everything, so the
// test runs itself as another.
func TestAFileWithoutPermissionStopsNoOther(t *testing.T) {
	if os.Geteuid() == 0 {
		out := t.TempDir()
		cmd := exec.Command("/proc/self/exe", "-test.run", "^"+t.Name()+"$")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		cmd.Env, cmd.Dir = append(os.Environ(), "TMPDIR="+out), "/"
		require.NoError(t, os.Chmod(out, 0o777))               //nolint:gosec // for another user
		require.NoError(t, os.Chmod(filepath.Dir(out), 0o755)) //nolint:gosec // for another user
		text, err := cmd.CombinedOutput()
		require.NoError(t, err, string(text))
		return
	}
	dir, path := place(t)
	secret := filepath.Join(dir, "auth.log")
	require.NoError(t, os.WriteFile(secret, []byte(rowsOf("hidden")), 0o000))
	const nobody = "nobody"
	shared := filepath.Join(dir, "shared.log") // of a group that may read it, and not by its owner
	require.NoError(t, os.WriteFile(shared, nil, 0o600))
	require.NoError(t, os.Chmod(shared, 0o040))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "closed"), 0o000))
	write(t, path, rowsOf("a"))
	j, logs := watched(t, config(filepath.Join(dir, "*.*"), filepath.Join(dir, "closed", "*")))
	warned(t, logs, "a file cannot be read", secret, "permission denied", "setfacl -m u:"+nobody+":r "+secret)
	warned(t, logs, "a file cannot be read", shared, "permission denied", "usermod -aG nogroup "+nobody)
	warned(t, logs, filepath.Join(dir, "closed"), "permission denied", "setfacl -m u:"+nobody+":rx ")
	j.awaitUsers(t, "a")
	require.NoError(t, os.Chmod(secret, 0o600))
	j.awaitUsers(t, "a", "hidden")
	j.stop(t)
}

// The hour that comes twice: the warning says what to change at the program that wrote this log.
func TestDoubtfulTimesHaveTheRemedyOfTheirFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth.log")
	const accepted = " vm sshd[1]: Accepted password for bob from 10.6.6.6 port 6 ssh2\n"
	write(t, path, "Oct 25 02:10:00"+accepted+"Oct 25 02:50:00"+accepted+"Oct 25 02:10:00"+accepted)
	written := time.Date(2026, 10, 26, 0, 0, 0, 0, time.UTC)
	require.NoError(t, os.Chtimes(path, written, written))
	cfg := config(path)
	cfg.Timezone = "Europe/Berlin"
	j, logs := watched(t, cfg)
	warned(t, logs, "came twice", "RFC 3339")
	j.stop(t)
	require.Empty(t, logs.FilterMessageSnippet("date_time_output_format").All())
}

// TestASourceWithoutAnyFileIsNotWell until the first one is there; one include of several that matches nothing is a warning only.
func TestASourceWithoutAnyFileIsNotWell(t *testing.T) {
	dir, path := place(t)
	gone := filepath.Join(dir, "gone", "*.log")
	j, _ := watched(t, config(gone, path))
	await(t, "it is well without a file", func() bool { return j.lastStatus() != nil })
	require.ErrorContains(t, j.lastStatus(), "include: ")
	require.ErrorContains(t, j.lastStatus(), "there is no file to read")
	write(t, path, rowsOf("a"))
	j.awaitUsers(t, "a")
	await(t, "it is not well with a file", func() bool { return j.lastStatus() == nil })
	j.stop(t)
}
