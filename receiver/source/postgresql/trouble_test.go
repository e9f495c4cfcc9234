package postgresql_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/postgresql"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	engine "github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// A newcomer meets these in turn; each says what to do, and reading begins as soon as it is done.
func TestWhatIsMissingIsNamed(t *testing.T) {
	s := engine.Start(t, engine.LogFormats(server.JSONLog))
	j := start(t, config(s), &sourcetest.Store{})
	awaitStatus(t, j, "run install.sql as a superuser in the database app")
	s.ExecIn(t, server.AppDB, postgresql.InstallSQL)
	awaitStatus(t, j, "GRANT sessionlog_logs TO it in the database app")
	s.Exec(t, "GRANT sessionlog_logs TO "+server.Audit.Name)
	waitStatus(t, j, false)
	all := mix(t, s.Logins(t), 5, 1)
	awaitLines(t, done(all), func() []string { return told(j.Delivered()) })
	s.Stop(t)
	awaitStatus(t, j, "no endpoint can be reached")
	j.stop(t)
	require.Zero(t, j.stats.Counts().BadRows)
}

// A prefix that ties no lines together is named before a line of it is read, and reading begins as soon as it is mended.
func TestALinePrefixThatIsTooShort(t *testing.T) {
	s := engine.Start(t, engine.LogFormats(server.Stderr), engine.LogLinePrefix("%m %u "))
	install(t, s)
	cfg := config(s)
	cfg.Initial = "end" // what was written with the other prefix cannot be read
	j := start(t, cfg, &sourcetest.Store{})
	awaitStatus(t, j, "log_line_prefix: \"%m %u \" has neither %p nor %c")
	s.Restart(t, engine.LogLinePrefix("%m [%p] %c %q%u@%d %r %e "))
	s.Rotate(t)
	waitStatus(t, j, false)
	j.stop(t)
	require.Zero(t, j.stats.Counts().BadRows)
}

func TestWrongPassword(t *testing.T) {
	s := engine.Start(t)
	cfg := config(s)
	cfg.Password = "mistyped"
	j := start(t, cfg, &sourcetest.Store{})
	awaitStatus(t, j, "check username, password and tls")
	require.NotContains(t, j.lastStatus().Error(), "mistyped")
	j.stop(t)
}

func awaitStatus(t *testing.T, j *job, text string) {
	t.Helper()
	require.Eventually(t, func() bool {
		err := j.lastStatus()
		return err != nil && strings.Contains(err.Error(), text)
	}, time.Minute, 5*time.Millisecond, "the status does not say: "+text)
}

// The log's format, prefix and zone are the server's settings, and a reload changes them under way.
func TestSettingsThatChangeWhileReading(t *testing.T) {
	s := engine.Start(t, engine.LogFormats(server.Stderr), engine.LogLinePrefix("%m [%p] %c %q%u@%d %r %e "))
	install(t, s)
	j := start(t, config(s), &sourcetest.Store{})
	all := mix(t, s.Logins(t), 5, 1)
	have := func() []string { return told(j.Delivered()) }
	awaitLines(t, done(all), have)
	s.Exec(t, "ALTER SYSTEM SET log_destination = 'csvlog'")
	s.Exec(t, "ALTER SYSTEM SET log_timezone = 'America/New_York'")
	s.Restart(t, engine.Setting("log_destination", "csvlog"), engine.Setting("log_timezone", "America/New_York"))
	all = append(all, mix(t, s.Logins(t), 5, 2)...)
	awaitLines(t, done(all), have)
	j.stop(t)
	for _, e := range j.Delivered() {
		require.WithinDuration(t, time.Now(), time.Unix(0, e.Time), 10*time.Minute)
	}
}

// A server that hangs holds nobody up who wants to stop.
func TestStopWhileTheServerHangs(t *testing.T) {
	s := engine.Start(t)
	install(t, s)
	j := start(t, config(s), &sourcetest.Store{})
	all := mix(t, s.Logins(t), 3, 1)
	awaitLines(t, done(all), func() []string { return told(j.Delivered()) })
	s.Freeze(t)
	defer s.Thaw(t)
	begun := time.Now()
	j.stop(t)
	require.Less(t, time.Since(begun), 10*time.Second)
}

func TestInitialEnd(t *testing.T) {
	s := engine.Start(t, engine.LogFormats(server.JSONLog))
	install(t, s)
	before := mix(t, s.Logins(t), 5, 1)
	first := start(t, config(s), &sourcetest.Store{})
	awaitAll(t, first, done(before)) // the server writes of a logout some time after it
	first.stop(t)
	s.Rotate(t)
	cfg, store := config(s), &sourcetest.Store{}
	cfg.Initial = "end"
	j := start(t, cfg, store)
	waitRead(t, store, s.LogFiles(server.JSONLog)[0])
	after := mix(t, s.Logins(t), 5, 2)
	awaitAll(t, j, done(after))
	j.stop(t)
	require.Empty(t, difference(told(j.Delivered()), done(after)), "told although it was there before")
}
