package journald_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/goleak"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/journald"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/testengine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// writer is the program of systemd that writes journals without being journald.
const writer = "/lib/systemd/systemd-journal-remote"

// entry is one entry of a journal, its fields without the times.
type entry struct {
	at     time.Time
	boot   string
	fields map[string]string
}

const firstBoot = "0123456789abcdef0123456789abcdef"

var monotonic atomic.Int64

// message is one of sshd, as journald takes it in.
func message(at time.Time, pid int64, text string) entry {
	return entry{at: at, fields: map[string]string{
		"SYSLOG_IDENTIFIER": "sshd", "_PID": fmt.Sprint(pid), "_UID": "0", "_HOSTNAME": "h1", "_COMM": "sshd",
		"_SYSTEMD_UNIT": "ssh.service", "MESSAGE": text,
	}}
}

// needJournal skips where systemd's programs are missing.
func needJournal(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("journalctl"); err != nil {
		testengine.Missing(t, "journalctl", "apt-get install systemd")
	}
	if _, err := os.Stat(writer); err != nil {
		testengine.Missing(t, "systemd-journal-remote", "apt-get install systemd-journal-remote")
	}
}

// journal is a folder with a journal of its own.
type journal struct{ dir, file string }

func newJournal(t testing.TB) *journal {
	t.Helper()
	needJournal(t)
	return &journal{dir: t.TempDir(), file: "system.journal"}
}

func (j *journal) write(t testing.TB, entries ...entry) {
	t.Helper()
	var text strings.Builder
	for _, e := range entries {
		if e.boot == "" {
			e.boot = firstBoot
		}
		fmt.Fprintf(&text, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%s\n", e.at.UnixMicro(), 1e6+monotonic.Add(1), e.boot)
		for name, value := range e.fields {
			if strings.ContainsAny(value, "\n\x00") || strings.ToValidUTF8(value, "") != value {
				size := make([]byte, 8)
				for i := range size {
					size[i] = byte(len(value) >> (8 * i))
				}
				fmt.Fprintf(&text, "%s\n%s%s\n", name, size, value)
				continue
			}
			fmt.Fprintf(&text, "%s=%s\n", name, value)
		}
		text.WriteString("\n")
	}
	cmd := exec.Command(writer, "--output="+filepath.Join(j.dir, j.file), "-")
	cmd.Stdin = strings.NewReader(text.String())
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}

func config(j *journal) journald.Config {
	cfg := journald.DefaultConfig()
	cfg.Directory, cfg.PollInterval = j.dir, 50*time.Millisecond
	return cfg
}

func newSource(t testing.TB, cfg journald.Config) source.Source {
	t.Helper()
	require.NoError(t, cfg.Validate())
	src, err := journald.New(cfg, "h1", componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	return src
}

func TestSource(t *testing.T) {
	needJournal(t)
	var pids atomic.Int64
	sourcetest.Run(t, func(t testing.TB) sourcetest.Place {
		j := newJournal(t)
		j.write(t, message(time.Now().Add(-time.Hour), 1, "Server listening on 0.0.0.0 port 22."))
		return sourcetest.Place{
			Source: func(t testing.TB, o sourcetest.Options) source.Source {
				cfg := config(j)
				cfg.BatchSize = o.BatchSize
				return newSource(t, cfg)
			},
			Add: func(t testing.TB, rows ...sourcetest.Row) {
				var entries []entry
				for _, r := range rows {
					entries = append(entries, message(r.Time, pids.Add(1), "Accepted password for "+r.User+" from 10.0.0.7 port 40000 ssh2"))
				}
				j.write(t, entries...)
			},
			Bad: func(t testing.TB, at time.Time) {
				forged := message(at, pids.Add(1), "Accepted password for root from 10.0.0.7 port 40000 ssh2")
				forged.fields["_UID"] = "1000"
				j.write(t, forged)
			},
			Hang: func(t testing.TB) (source.Source, <-chan struct{}) {
				cfg := config(j)
				begun := filepath.Join(t.TempDir(), "begun")
				cfg.Journalctl = script(t, "echo >"+begun+"; exec sleep 600")
				hangs := make(chan struct{})
				go func() {
					for {
						if _, err := os.Stat(begun); err == nil {
							close(hangs)
							return
						}
						time.Sleep(time.Millisecond)
					}
				}()
				return newSource(t, cfg), hangs
			},
		}
	})
}

func script(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journalctl")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700)) //nolint:gosec // it is to be run
	return path
}
