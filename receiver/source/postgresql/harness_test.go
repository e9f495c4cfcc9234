package postgresql_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.uber.org/goleak"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/postgresql"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	engine "github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/logins"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
	"github.com/otel-sessionlog/sessionlog/testengine/shared"
)

const (
	waitLimit = time.Minute
	waitPause = 10 * time.Millisecond
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(shared.EndAfter(m)) }

// install does what the README says.
func install(t testing.TB, s *engine.Server) {
	t.Helper()
	s.ExecIn(t, server.AppDB, postgresql.InstallSQL)
	s.Exec(t, "GRANT sessionlog_logs TO "+server.Audit.Name)
}

func config(s *engine.Server) postgresql.Config {
	cfg := postgresql.DefaultConfig()
	cfg.Endpoints, cfg.Username, cfg.Password = []string{s.Address}, server.Audit.Name, configopaque.String(server.Audit.Password)
	cfg.Database, cfg.CollectionInterval, cfg.UndecidedAfter = server.AppDB, 50*time.Millisecond, time.Hour
	return cfg
}

func newSource(t testing.TB, cfg postgresql.Config) source.Source {
	t.Helper()
	require.NoError(t, cfg.Validate())
	src, err := postgresql.New(cfg, "pg", componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	return src
}

// job is a source at work, and all that it tells.
type job struct {
	*sourcetest.Recorder
	stats  sourcetest.Stats
	cancel context.CancelFunc
	done   chan error

	mu     sync.Mutex
	status error
}

func start(t testing.TB, cfg postgresql.Config, store *sourcetest.Store) *job {
	return startLater(t, cfg, store, 0)
}

func startLater(t testing.TB, cfg postgresql.Config, store *sourcetest.Store, later time.Duration) *job {
	t.Helper()
	return startWith(t, cfg, store, func(host *source.Host) { host.Now = func() time.Time { return time.Now().Add(later) } })
}

func startWith(t testing.TB, cfg postgresql.Config, store *sourcetest.Store, change func(*source.Host)) *job {
	t.Helper()
	j := &job{Recorder: &sourcetest.Recorder{}, done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	j.cancel = cancel
	host := sourcetest.Host(t, j.Recorder, store, &j.stats)
	change(&host)
	host.Status = func(err error) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.status = err
	}
	src := newSource(t, cfg)
	go func() { j.done <- src.Run(ctx, host) }()
	t.Cleanup(func() { j.stop(t) })
	return j
}

func (j *job) stop(t testing.TB) {
	t.Helper()
	j.cancel()
	select {
	case err := <-j.done:
		require.NoError(t, err)
		j.done <- nil
	case <-time.After(30 * time.Second):
		t.Fatal("the source does not end")
	}
}

func (j *job) lastStatus() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.status
}

// told says what a record tells, as far as the client knows it. Logins of the test's own and of the source are left out.
func told(events []session.Event) (lines []string) {
	for i := range events {
		e := &events[i]
		if e.User != server.Admin.Name && e.User != server.Audit.Name {
			lines = append(lines, fmt.Sprintf("%s %s %q %s %d %s", e.Kind, e.Outcome, e.User, e.ClientAddress, e.ClientPort, e.StatusCode))
		}
	}
	slices.Sort(lines)
	return lines
}

// done says what was done, in the same words.
func done(all []logins.Login) (lines []string) {
	for _, l := range all {
		host, port := "[local]", uint16(0)
		if !l.Socket {
			host, port = l.Client.Addr().String(), l.Client.Port()
		}
		line := func(kind session.Kind, outcome session.Outcome) {
			lines = append(lines, fmt.Sprintf("%s %s %q %s %d %s", kind, outcome, l.User, host, port, l.Code))
		}
		switch l.Outcome {
		case logins.Succeeded:
			line(session.KindLogin, session.OutcomeSuccess)
			line(session.KindLogout, session.OutcomeSuccess)
		case logins.Refused:
			line(session.KindLogin, session.OutcomeFailure)
		case logins.Abandoned:
		}
	}
	slices.Sort(lines)
	return lines
}

// awaitLines waits until as many lines are there as are wanted, and finds no other.
func awaitLines(t *testing.T, want []string, have func() []string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); len(have()) < len(want); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("what was done was not told: %q", difference(want, have()))
		}
	}
	require.Empty(t, difference(have(), want), "told although nobody did it")
	require.Empty(t, difference(want, have()), "not told")
}

// difference is what a has more than b; lines may be there several times.
func difference(a, b []string) (more []string) {
	left := map[string]int{}
	for _, line := range b {
		left[line]++
	}
	for _, line := range a {
		if left[line]--; left[line] < 0 {
			more = append(more, line)
		}
	}
	return more
}

func mix(t *testing.T, c *logins.Client, n int, seed uint64) []logins.Login {
	t.Helper()
	l, err := c.Mix(t.Context(), n, seed, 4)
	require.NoError(t, err)
	return l
}
