package file_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
)

// TestSystemLogsAreRecognised: whatever frame a system log has, `auto` finds sshd in it, and no other format.
func TestSystemLogsAreRecognised(t *testing.T) {
	const message = "Accepted password for mara from 192.0.2.1 port 5003 ssh2"
	for name, text := range map[string]string{
		"journalctl -o json": `{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"{at}000000","_HOSTNAME":"h1","SYSLOG_IDENTIFIER":"cron","MESSAGE":"x"}` + "\n" +
			`{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"{at}000000","_HOSTNAME":"h1","SYSLOG_IDENTIFIER":"sshd","_PID":"100","_UID":"0","MESSAGE":"` + message + `"}`,
		"journalctl -o short-unix": "-- Boot 1 --\n{at}.000000 h1 sshd[100]: " + message,
		"RFC 5424":                 "<38>1 2026-11-21T22:03:47Z h1 sshd 100 - - " + message,
		"PRI":                      "<38>Nov 21 22:03:47 h1 sshd[100]: " + message,
		"busybox":                  "Nov 21 22:03:47 h1 auth.info sshd[100]: " + message,
	} {
		_, path := place(t)
		at := time.Date(2026, 11, 21, 22, 3, 47, 0, time.UTC)
		write(t, path, strings.ReplaceAll(text, "{at}", strconv.FormatInt(at.Unix(), 10))+"\n")
		j := once(t, config(path), &sourcetest.Store{})
		require.Empty(t, j.stats.Counts().Reasons, name)
		require.Len(t, j.Delivered(), 1, name)
		e := j.Delivered()[0]
		require.Equal(t, []any{"mara", "sshd", "h1", at.UnixNano()}, []any{e.User, e.System, e.Host, e.Time}, name)
	}
}

// TestAJournalInAnotherFormIsRefusedWithTheRemedy, and counted.
func TestAJournalInAnotherFormIsRefusedWithTheRemedy(t *testing.T) {
	_, path := place(t)
	write(t, path, "{\n\t\"__CURSOR\" : \"s=1\",\n\t\"__REALTIME_TIMESTAMP\" : \"1795298627000000\",\n\t\"MESSAGE\" : \"x\"\n}\n")
	j := once(t, config(path), &sourcetest.Store{})
	require.Empty(t, j.Delivered())
	require.Equal(t, 1, j.stats.Counts().BadRows)
	require.Contains(t, j.stats.Counts().Reasons[0], "journalctl -o json --all")
}

// TestAWrongTimezoneIsSaid where it makes times that cannot be yet. The events are delivered all the same.
func TestAWrongTimezoneIsSaid(t *testing.T) {
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	require.NoError(t, err)
	for zone, warnings := range map[string]int{"UTC": 1, "Asia/Kolkata": 0} {
		_, path := place(t)
		stamp := time.Now().In(kolkata).Format("Jan _2 15:04:05")
		write(t, path, stamp+" h1 sshd[1]: Accepted password for mara from 192.0.2.1 port 5003 ssh2\n"+
			stamp+" h1 sshd[2]: Accepted password for bo from 192.0.2.1 port 5004 ssh2\n")
		cfg := config(path)
		cfg.Timezone, cfg.Follow, cfg.BatchSize = zone, false, 1
		core, logs := observer.New(zapcore.WarnLevel)
		emit := &sourcetest.Recorder{}
		host := sourcetest.Host(t, emit, &sourcetest.Store{}, nil)
		host.Log = zap.New(core)
		require.NoError(t, newSource(t, cfg).Run(t.Context(), host))
		require.Len(t, emit.Delivered(), 2)
		require.Equal(t, warnings, logs.Len(), zone)
		for _, entry := range logs.All() {
			require.Contains(t, entry.Message, "5h30m0s in the future")
			require.Contains(t, entry.Message, "timezone")
		}
	}
}
