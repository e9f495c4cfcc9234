package postgresql_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otel-sessionlog/sessionlog/receiver/source/file"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
	engine "github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// The same log read over SQL and as files tells the same records, ids and all, of every kind of login, in each format.
func TestTheSameRecordsAsOutOfFiles(t *testing.T) {
	const prefix = "%m [%p] %c %q%u@%d %r %e %a "
	eachFormat(t, func(t *testing.T, version int, format string) {
		s := engine.Start(t, engine.Version(version), engine.LogFormats(format), engine.LogLinePrefix(prefix))
		install(t, s)
		j := start(t, config(s), &sourcetest.Store{})
		all, err := s.Logins(t).Each(t.Context())
		require.NoError(t, err)
		s.Rotate(t)
		all = append(all, mix(t, s.Logins(t), 20, 5)...)
		awaitAll(t, j, done(all))
		j.stop(t)

		cfg := file.DefaultConfig()
		cfg.Include, cfg.Format, cfg.LogLinePrefix = []string{filepath.Join(s.LogDir(), "*."+strings.TrimSuffix(format, "log"))}, format, prefix
		if format == server.Stderr {
			cfg.Include = []string{filepath.Join(s.LogDir(), "*.log")}
		}
		cfg.Timezone, cfg.Follow, cfg.UndecidedAfter = "UTC", false, time.Hour
		files := outOfFiles(t, cfg)
		n := 0
		for _, e := range j.Delivered() {
			same, ok := files[e.RecordID]
			require.True(t, ok, "not out of files: %s", told([]session.Event{e}))
			require.True(t, sessiontest.SameContent(&same, &e), "%+v\n%+v", e, same)
			n += len(told([]session.Event{e}))
		}
		require.Len(t, done(all), n)
	})
}

// outOfFiles reads with the file source, once.
func outOfFiles(t *testing.T, cfg file.Config) map[session.ID]session.Event {
	t.Helper()
	require.NoError(t, cfg.Validate())
	src, err := file.New(cfg, "pg", componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	recorder := &sourcetest.Recorder{}
	require.NoError(t, src.Run(context.Background(), sourcetest.Host(t, recorder, &sourcetest.Store{}, nil)))
	events := map[session.ID]session.Event{}
	for _, e := range recorder.Delivered() {
		events[e.RecordID] = e
	}
	return events
}
