package file_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/internal/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/internal/testengine/postgresql/logins"
	"github.com/otel-sessionlog/sessionlog/internal/testengine/postgresql/server"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
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
