package file_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/testengine"
)

// logrotate is Debian's, which CI has.
func logrotate(t *testing.T) string {
	t.Helper()
	for _, path := range []string{"logrotate", "/usr/sbin/logrotate"} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	testengine.Missing(t, "logrotate", "install Debian's package logrotate")
	return ""
}

// rotatedLog is a log that logrotate rotates.
type rotatedLog struct {
	dir, path, command string
	n                  int
}

func newRotatedLog(t *testing.T, settings string) *rotatedLog {
	t.Helper()
	dir := t.TempDir()
	l := &rotatedLog{dir: dir, path: filepath.Join(dir, "log", "auth.log"), command: logrotate(t)}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "log"), 0o755))
	write(t, filepath.Join(dir, "conf"), l.path+" {\n"+settings+"\n}\n")
	require.NoError(t, os.Chmod(filepath.Join(dir, "conf"), 0o644))
	return l
}

func (l *rotatedLog) rotate(t *testing.T) {
	t.Helper()
	l.n++
	out, err := exec.Command(l.command, "-f", "-s", filepath.Join(l.dir, "state"), filepath.Join(l.dir, "conf")).CombinedOutput()
	require.NoError(t, err, string(out))
}

const sshdHead = "2026-11-21T22:%02d:%02dZ vm sshd[%d]: "

func sshdLine(second, pid int, message string) string {
	return fmt.Sprintf(sshdHead, second/60, second%60, pid) + message + "\n"
}

// An attempt that is open while the log is rotated is one failure, however the rotation works; and no line is told twice.
func TestLogrotateLosesAndRepeatsNothing(t *testing.T) {
	for name, settings := range map[string]string{
		"create":         "rotate 9\ncreate",
		"compress":       "rotate 9\ncreate\ncompress",
		"delaycompress":  "rotate 9\ncreate\ncompress\ndelaycompress",
		"dateext":        "rotate 9\ncreate\ncompress\ndateext\ndateformat -%Y%m%d-%s",
		"zstd":           "rotate 9\ncreate\ncompress\ncompresscmd /usr/bin/zstd\ncompressext .zst\ncompressoptions -q --rm",
		"copytruncate":   "rotate 9\ncopytruncate",
		"copy, compress": "rotate 9\ncopytruncate\ncompress",
		"maxsize":        "rotate 9\nmaxsize 1\ncreate\ncompress",
	} {
		t.Run(name, func(t *testing.T) {
			l := newRotatedLog(t, settings)
			write(t, l.path, strings.Repeat(sshdLine(0, 1, "Server listening on 0.0.0.0 port 22."), 80))
			j := start(t, config(l.path+"*"), &sourcetest.Store{})
			var want []string
			for n := range 3 {
				user := fmt.Sprint("open", n)
				appendTo(t, l.path, sshdLine(60*n+1, 10*n+1, "Accepted password for in"+user+" from 10.6.6.6 port 5 ssh2")+
					sshdLine(60*n+2, 10*n+2, "Invalid user "+user+" from 10.6.6.6 port 6"))
				want = append(want, "in"+user)
				await(t, "the login was not told", func() bool { return len(j.Delivered()) == len(want) })
				l.rotate(t)
				appendTo(t, l.path, sshdLine(60*n+3, 10*n+2, "Connection closed by invalid user "+user+" 10.6.6.6 port 6 [preauth]"))
				want = append(want, user)
				await(t, "the failure was not told", func() bool { return len(j.Delivered()) >= len(want) })
				time.Sleep(1100 * time.Millisecond / 10) // several looks; dateformat counts in seconds only where it is asked to
				if strings.Contains(settings, "%s") {
					time.Sleep(time.Second)
				}
			}
			j.stop(t)
			require.Equal(t, want, j.users())
			require.Zero(t, j.stats.Counts().BadRows)
		})
	}
}

// Gzip's own window: the compressed file grows beside the original, and is whole for a while before that one is removed.
func TestACompressedCopyBesideItsOriginal(t *testing.T) {
	for _, pack := range []func(testing.TB, string) string{gzipped, zstandard} {
		for _, cuts := range [][]int{{0, 1, 9, 30, 200}, {15}, {}} {
			path := filepath.Join(t.TempDir(), "auth.log")
			text := ""
			for n := range 400 {
				text += sshdLine(0, 1, fmt.Sprint("Server listening on 0.0.0.0 port ", n*7919%65536))
			}
			text += sshdLine(2, 2, "Invalid user open from 10.6.6.6 port 6") + sshdLine(3, 3, "Accepted password for in from 10.6.6.6 port 5 ssh2")
			write(t, path+".1", text)
			j := start(t, config(path+"*"), &sourcetest.Store{})
			j.awaitUsers(t, "in")
			write(t, path, sshdLine(4, 2, "Connection closed by invalid user open 10.6.6.6 port 6 [preauth]"))
			j.awaitUsers(t, "in", "open")
			whole, written := pack(t, text), 0
			looked := func() {
				second := len(j.Delivered())
				appendTo(t, path, sshdLine(5, 100+second, fmt.Sprintf("Accepted password for look%d from 10.6.6.6 port 5 ssh2", second)))
				await(t, "nobody looked", func() bool { return len(j.Delivered()) > second })
			}
			for _, cut := range append(cuts, len(whole)) {
				appendTo(t, path+".1.gz", whole[written:cut])
				written = cut
				looked()
				looked()
			}
			require.NoError(t, os.Remove(path+".1"))
			looked()
			looked()
			looked()
			j.stop(t)
			for _, user := range j.users()[2:] {
				require.Contains(t, user, "look", "told again")
			}
			require.Zero(t, j.stats.Counts().BadRows)
		}
	}
}

// A copy may stand beside its original when the collector starts, and the original may have more than it when it is truncated.
func TestACopyBesideItsOriginalAtAStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth.log")
	text := sshdLine(1, 1, "Accepted password for a from 10.6.6.6 port 5 ssh2") + sshdLine(2, 2, "Invalid user open from 10.6.6.6 port 6")
	write(t, path, text)
	write(t, path+".1", text)
	write(t, path+".2.gz", gzipped(t, text))
	store := &sourcetest.Store{}
	require.Equal(t, []string{"a"}, once(t, config(path+"*"), store).users())
	j := start(t, config(path+"*"), store)
	appendTo(t, path, sshdLine(3, 2, "Connection closed by invalid user open 10.6.6.6 port 6 [preauth]"))
	j.awaitUsers(t, "open")
	write(t, path, sshdLine(4, 4, "Accepted password for b from 10.6.6.6 port 5 ssh2"))
	j.awaitUsers(t, "open", "b")
	appendTo(t, path, sshdLine(5, 5, "Accepted password for c from 10.6.6.6 port 5 ssh2"))
	j.awaitUsers(t, "open", "b", "c")
	j.stop(t)
	require.Empty(t, once(t, config(path+"*"), store).users())
}

// What is appended to a file long after its rename is told: its writer may hold it as long as it likes.
func TestAppendedLongAfterTheRename(t *testing.T) {
	dir, path := place(t)
	write(t, path, rowsOf(many("1", 20)...))
	j := start(t, config(path+"*"), &sourcetest.Store{})
	j.awaitUsers(t, many("1", 20)...)
	require.NoError(t, os.Rename(path, filepath.Join(dir, "session_log.jsonl.1")))
	write(t, path, rowsOf("next"))
	await(t, "the next file was not told", func() bool { return len(j.Delivered()) == 21 })
	for n := range 5 { // looks that find nothing new
		appendTo(t, path, rowsOf(fmt.Sprint("look", n)))
		await(t, "nobody looked", func() bool { return len(j.Delivered()) == 22+n })
	}
	appendTo(t, path+".1", rowsOf("late"))
	await(t, "what was appended late was not told", func() bool { return len(j.Delivered()) == 27 })
	require.Equal(t, "late", j.users()[26])
	j.stop(t)
}

// A log may be rotated several times between two looks: then there are files of which the collector has seen nothing but their
// new names, which `include` does not have. What was there before the log is none of its concern.
func TestRotationsFasterThanALook(t *testing.T) {
	for _, names := range [][3]string{
		{".1", ".2", ".3"}, {"-20261121-1.gz", "-20261121-2", "-20261121-3"}, {".2026-11-21.1", ".2026-11-21.2", ".2026-11-20"},
	} {
		path := filepath.Join(t.TempDir(), "auth.log")
		accepted := func(n int, user string) string {
			return sshdLine(n, n, "Accepted password for "+user+" from 10.6.6.6 port 5 ssh2")
		}
		write(t, path+names[2], accepted(0, "long ago"))
		require.NoError(t, os.Chtimes(path+names[2], when.AddDate(-1, 0, 0), when.AddDate(-1, 0, 0)))
		write(t, path+"-errors", accepted(0, "another log"))
		write(t, path, accepted(1, "a"))
		cfg := config(path)
		cfg.PollInterval = 100 * time.Millisecond
		j := start(t, cfg, &sourcetest.Store{})
		j.awaitUsers(t, "a")
		appendTo(t, path, sshdLine(2, 2, "Invalid user b from 10.6.6.6 port 6"))
		require.NoError(t, os.Rename(path, path+names[1]))
		second := sshdLine(3, 2, "Connection closed by invalid user b 10.6.6.6 port 6 [preauth]") + sshdLine(4, 4, "Invalid user c from 10.6.6.6 port 7")
		if strings.HasSuffix(names[0], ".gz") {
			second = gzipped(t, second)
		}
		write(t, path+names[0], second)
		write(t, path, sshdLine(5, 4, "Connection closed by invalid user c 10.6.6.6 port 7 [preauth]"))
		await(t, "not all was told", func() bool { return len(j.Delivered()) >= 3 })
		for n := range 4 { // looks, in which nothing else may come
			appendTo(t, path, accepted(10+n, fmt.Sprint("look", n)))
			await(t, "nobody looked", func() bool { return len(j.Delivered()) >= 4+n })
		}
		j.stop(t)
		require.Equal(t, []string{"a", "b", "c", "look0", "look1", "look2", "look3"}, j.users())
	}
}

// What was written between the last look and a truncation stands in the copy alone, which `include` does not have. It is read on
// where the log was read to, and only what follows is told, compressed or not.
func TestACopyOfATruncatedLogIsReadThoughItIsNotIncluded(t *testing.T) {
	for _, name := range []string{".1", ".1.gz", "-20261121"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "auth.log")
			accepted := func(n int, user string) string {
				return sshdLine(n, n, "Accepted password for "+user+" from 10.6.6.6 port 5 ssh2")
			}
			first := strings.Repeat(sshdLine(0, 1, "Server listening on 0.0.0.0 port 22."), 200) + accepted(1, "a") + sshdLine(2, 2, "Invalid user open from 10.6.6.6 port 6")
			write(t, path, first)
			cfg := config(path)
			cfg.PollInterval = 200 * time.Millisecond
			store := &sourcetest.Store{}
			j := start(t, cfg, store)
			j.awaitUsers(t, "a")
			await(t, "the cursor has not moved", func() bool { return cursors(t, store)[path].Offset > 0 })
			unseen := accepted(3, "unseen") + sshdLine(4, 2, "Connection closed by invalid user open 10.6.6.6 port 6 [preauth]")
			appended := first + unseen
			if strings.HasSuffix(name, ".gz") {
				appended = gzipped(t, appended)
			}
			write(t, path+name, appended)
			write(t, path, accepted(5, "next"))
			await(t, "not all was told", func() bool { return len(j.Delivered()) >= 4 })
			for n := range 4 { // looks, in which nothing else may come
				appendTo(t, path, accepted(10+n, fmt.Sprint("look", n)))
				await(t, "nobody looked", func() bool { return len(j.Delivered()) >= 5+n })
			}
			j.stop(t)
			require.Equal(t, []string{"a", "unseen", "open", "next", "look0", "look1", "look2", "look3"}, j.users())
			require.Zero(t, j.stats.Counts().BadRows)
			require.Empty(t, once(t, cfg, store).users(), "told again after a restart")
		})
	}
}

// logrotate's own copytruncate with the log alone included.
func TestLogrotateCopytruncateWithTheLogAloneIncluded(t *testing.T) {
	l := newRotatedLog(t, "rotate 9\ncopytruncate")
	write(t, l.path, strings.Repeat(sshdLine(0, 1, "Server listening on 0.0.0.0 port 22."), 200))
	cfg := config(l.path)
	cfg.PollInterval = 300 * time.Millisecond
	j := start(t, cfg, &sourcetest.Store{})
	var want []string
	for n := range 3 {
		for _, when := range []string{"seen", "unseen", "behind"} {
			if when == "behind" {
				l.rotate(t)
			}
			user := fmt.Sprint(when, n)
			want = append(want, user)
			appendTo(t, l.path, sshdLine(60*n, 10*n+len(want), "Accepted password for "+user+" from 10.6.6.6 port 5 ssh2"))
			if when != "unseen" {
				await(t, user+" was not told", func() bool { return len(j.Delivered()) >= len(want) })
			}
		}
	}
	j.stop(t)
	require.ElementsMatch(t, want, j.users())
	require.Zero(t, j.stats.Counts().BadRows)
}
