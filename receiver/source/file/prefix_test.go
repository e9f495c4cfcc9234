package file_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// Processes that are no session have nothing where log_line_prefix names the client, the user or a transaction, padded or not,
// before %q or without one: their lines are no bad rows, and tell nothing.
func TestLinesOfNoSession(t *testing.T) {
	for _, prefix := range []string{
		"%m [%p] %r %q%u@%d %c %e ",
		"%m [%h] %c %r %a %q%u@%d %e ",
		"%t|%-24r|%12v|%x|%Q|%P|%l|%p|%c|%u|%d|%a|%b|%i|%e ",
		"%n %c %L %-15h %e %s %24r %q<%u> ",
		"%q%m [%p] %c %r %u@%d %e ",
	} {
		t.Run(prefix, func(t *testing.T) {
			t.Parallel()
			s := postgresql.Start(t, postgresql.LogFormats(server.Stderr), postgresql.LogLinePrefix(prefix))
			cfg := serverConfig(s.LogDir(), server.Stderr)
			cfg.LogLinePrefix = prefix
			j := start(t, cfg, &sourcetest.Store{})
			all := mix(t, s.Logins(t), 25, 3)
			s.Exec(t, "CHECKPOINT")
			s.WaitLogHas(t, server.Stderr, "checkpoint complete", 1)
			awaitDone(t, j, done(all))
			j.stop(t)
			requireNoBadRows(t, j)
			require.NotEmpty(t, all)
		})
	}
}
