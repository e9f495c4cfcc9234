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
