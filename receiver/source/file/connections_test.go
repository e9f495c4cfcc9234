package file_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/logins"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// TestAServerThatLogsNoConnections: log_connections is named once, with the statements that switch it on, in every format; and it is said
// that all is well once they are on.
func TestAServerThatLogsNoConnections(t *testing.T) {
	s := postgresql.Start(t, postgresql.Setting("log_connections", "off"), postgresql.Setting("log_disconnections", "off"), postgresql.LogLinePrefix("%m [%p] %c %q%u@%d "))
	for _, format := range logFormats {
		t.Run(format, func(t *testing.T) {
			core, logs := observer.New(zapcore.InfoLevel)
			j := newJob(t)
			j.log = zap.New(core)
			cfg := serverConfig(s.LogDir(), format)
			cfg.LogLinePrefix = "%m [%p] %c %q%u@%d "
			j.begin(t, newSource(t, cfg), &sourcetest.Store{})
			named := func() int {
				return logs.FilterLevelExact(zapcore.WarnLevel).Filter(func(e observer.LoggedEntry) bool {
					return strings.Contains(e.Message, "log_connections is off") && strings.Contains(e.Message, "ALTER SYSTEM SET log_connections = on")
				}).Len()
			}
			for range 30 { // a session tells in which second it began, which must not be that of the log's first line
				_, err := s.Logins(t).Login(t.Context(), logins.Attempt{User: server.Alice.Name, Password: "mistyped", Database: server.AppDB})
				require.NoError(t, err)
				if time.Sleep(200 * time.Millisecond); named() > 0 {
					break
				}
			}
			j.stop(t)
			require.Equal(t, 1, named())
		})
	}
}

// TestAFileWithoutConnectionsIsNamed where it is read once: a log that tells of no connection has logins that nobody will see.
func TestAFileWithoutConnectionsIsNamed(t *testing.T) {
	const at = "2026-11-21 21:47:00.000 UTC [77] "
	for text, want := range map[string]int{
		at + "LOG:  checkpoint starting: time\n": 1,
		at + "LOG:  database system is ready to accept connections\n" + at + "alice@app FATAL:  password authentication failed for user \"alice\"\n": 1,
		at + "LOG:  connection received: host=192.0.2.9 port=5\n" + at + "alice@app FATAL:  password authentication failed for user \"alice\"\n":     0,
	} {
		_, path := place(t)
		write(t, path, text)
		core, logs := observer.New(zapcore.WarnLevel)
		cfg := config(path)
		cfg.Follow = false
		j := newJob(t)
		j.log = zap.New(core)
		j.begin(t, newSource(t, cfg), &sourcetest.Store{})
		j.wait(t)
		require.Equal(t, want, logs.FilterMessageSnippet("log_connections is off").Len(), text)
		require.Equal(t, want, logs.Len(), text)
	}
}
