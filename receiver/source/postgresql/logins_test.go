package postgresql_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	engine "github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/logins"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// eachFormat runs a test on a real server of each format, and of both versions. All six pairs are for the tests of files, whose parsers these are.
func eachFormat(t *testing.T, test func(t *testing.T, version int, format string)) {
	for format, version := range map[string]int{server.JSONLog: 18, server.CSVLog: 15, server.Stderr: 18} {
		t.Run(fmt.Sprintf("%d %s", version, format), func(t *testing.T) {
			t.Parallel()
			test(t, version, format)
		})
	}
}

// The records match what was done, in all formats, through rotation, truncation, restarts of the collector
// and a crash of the server, and no restart tells anything twice. The server tells format, zone and prefix by itself.
func TestRealLoginsOverSQL(t *testing.T) {
	eachFormat(t, func(t *testing.T, version int, format string) {
		s := engine.Start(t, engine.Version(version), engine.LogFormats(format), engine.Timezone("Asia/Kolkata"),
			engine.LogLinePrefix("%m|%p|%c|%q%u@%d|%r|%e|%a "))
		install(t, s)
		throughEverything(t, s, format)
	})
}

func throughEverything(t *testing.T, s *engine.Server, format string) {
	cfg, store, c := config(s), &sourcetest.Store{}, s.Logins(t)
	var events []session.Event
	var all []logins.Login
	var j *job
	have := func() []string { return told(append(slices.Clone(events), j.Delivered()...)) }
	restart := func() {
		j.stop(t)
		require.Zero(t, j.stats.Counts().BadRows, "%v", j.stats.Counts().Reasons)
		events = append(events, j.Delivered()...)
		j = start(t, cfg, store)
	}

	j = start(t, cfg, store)
	each, err := c.Each(t.Context())
	require.NoError(t, err)
	half, halfLogin, err := c.Open(t.Context(), logins.Attempt{User: server.Alice.Name, Password: server.Alice.Password, Database: server.AppDB})
	require.NoError(t, err)
	all = append(all, each...)
	awaitAll(t, j, done(all))
	s.Rotate(t)
	restart()
	require.NoError(t, half.Close(t.Context()))
	all = append(append(all, halfLogin), mix(t, c, 10, 1)...)
	awaitLines(t, done(all), have)

	files := s.LogFiles(format)
	waitRead(t, store, files[len(files)-1])
	require.NoError(t, os.Truncate(files[len(files)-1], 0))
	all = append(all, mix(t, c, 10, 2)...)
	awaitLines(t, done(all), have)

	s.Kill(t)
	waitStatus(t, j, true)
	s.Restart(t)
	waitStatus(t, j, false)
	c = s.Logins(t)
	all = append(all, mix(t, c, 10, 3)...)
	awaitLines(t, done(all), have)
	restart()
	all = append(all, mix(t, c, 5, 4)...)
	awaitLines(t, done(all), have)
	j.stop(t)
	ids := map[session.ID]bool{}
	for _, e := range append(events, j.Delivered()...) {
		require.False(t, ids[e.RecordID], "told twice: %s", told([]session.Event{e}))
		ids[e.RecordID] = true
	}
}

// awaitAll waits for all that is wanted; an open session's login may be there already.
func awaitAll(t *testing.T, j *job, want []string) {
	t.Helper()
	require.Eventually(t, func() bool { return len(difference(want, told(j.Delivered()))) == 0 }, time.Minute, 5*time.Millisecond)
}

// waitRead waits until all of a file was read, and remembered.
func waitRead(t *testing.T, store *sourcetest.Store, path string) {
	t.Helper()
	stat, err := os.Stat(path)
	require.NoError(t, err)
	read := func() bool {
		for n := range 20 {
			var mark struct {
				Path   string
				Offset int64
			}
			text, err := store.Get(t.Context(), fmt.Sprintf("file.%d", n))
			require.NoError(t, err)
			if text != nil {
				require.NoError(t, json.Unmarshal(text, &mark))
			}
			if mark.Path == filepath.Base(path) && mark.Offset >= stat.Size() {
				return true
			}
		}
		return false
	}
	require.Eventually(t, read, time.Minute, 5*time.Millisecond)
}

func waitStatus(t *testing.T, j *job, ill bool) {
	t.Helper()
	require.Eventually(t, func() bool { return (j.lastStatus() != nil) == ill }, time.Minute, 5*time.Millisecond, "%v", j.lastStatus())
}
