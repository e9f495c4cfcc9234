package file_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
)

// TestALogWithoutSSHDIsSaid: an export of the journal, or an auth.log, in which no sshd writes is read in vain.
func TestALogWithoutSSHDIsSaid(t *testing.T) {
	const warning = "no line of sshd so far"
	json := func(at time.Time, program, text string) string {
		return fmt.Sprintf(`{"__REALTIME_TIMESTAMP":"%d","_HOSTNAME":"h1","SYSLOG_IDENTIFIER":%q,"_PID":"7","_UID":"0","MESSAGE":%q}`+"\n", at.UnixMicro(), program, text)
	}
	short := func(at time.Time, program, text string) string {
		return at.UTC().Format("2006-01-02T15:04:05.000000+0000") + " h1 " + program + "[7]: " + text + "\n"
	}
	const login = "Accepted password for alice from 192.0.2.1 port 5003 ssh2"
	for name, line := range map[string]func(time.Time, string, string) string{"json": json, "short-iso-precise": short} {
		t.Run(name, func(t *testing.T) {
			old := time.Now().Add(-time.Hour)
			path := filepath.Join(t.TempDir(), "journal")
			write(t, path, line(old, "cron", "job"))
			cfg := config(path)
			cfg.Format = "sshd"
			j, logs := watched(t, cfg)
			time.Sleep(100 * time.Millisecond)
			require.Zero(t, logs.FilterLevelExact(zap.WarnLevel).Len(), "it has lasted no time yet")
			appendTo(t, path, line(old.Add(11*time.Minute), "cron", "job"))
			warned(t, logs, warning, "journalctl -t sshd")
			appendTo(t, path, line(old.Add(12*time.Minute), "sshd", login))
			j.awaitUsers(t, "alice")
			await(t, "it was not said that there are lines", func() bool { return logs.FilterMessage("the log has lines of sshd").Len() == 1 })
			j.stop(t)

			write(t, path, line(old, "cron", "job"))
			cfg.Follow = false
			once, logs := watched(t, cfg)
			warned(t, logs, warning)
			once.stop(t)

			write(t, path, line(old, "cron", "job")+line(old, "sshd", login))
			well, logs := watched(t, cfg)
			well.awaitUsers(t, "alice")
			well.stop(t)
			require.Zero(t, logs.FilterLevelExact(zap.WarnLevel).Len())
		})
	}
}
