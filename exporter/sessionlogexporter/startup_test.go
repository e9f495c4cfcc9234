package sessionlogexporter

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/postgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/testengine"
	enginepg "github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	pgserver "github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
	chserver "github.com/otel-sessionlog/sessionlog/testengine/server"
)

// freeAddress is one that nobody listens on yet.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return l.Addr().String()
}

// forwardTCP makes address an entrance to the server at target, until the test ends.
func forwardTCP(t *testing.T, address, target string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	require.NoError(t, err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", target)
			if err != nil {
				_ = in.Close()
				continue
			}
			all.Go(func() { _, _ = io.Copy(out, in); _ = out.Close() })
			all.Go(func() { _, _ = io.Copy(in, out); _ = in.Close() })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
}

// requireWaits: Start has returned, the log and the status say why nothing can be written, and senders are to retry.
func requireWaits(t *testing.T, r *testExporter, reason string) {
	t.Helper()
	require.ErrorContains(t, r.awaitStatus(t, componentstatus.StatusRecoverableError).Err(), reason)
	err := r.ConsumeLogs(t.Context(), testEvents(0, 10))
	require.ErrorContains(t, err, reason)
	require.False(t, consumererror.IsPermanent(err), "the sender must come again")
	warnings := r.logs.FilterMessageSnippet("cannot be written to").All()
	require.Len(t, warnings, 1, "once, however often it is tried")
	require.Equal(t, r.destination.Key, warnings[0].ContextMap()["key"])
	require.Contains(t, warnings[0].ContextMap()["error"], reason)
}

// eventuallyTakes waits until the backend is there, and hands in again what was refused.
func eventuallyTakes(t *testing.T, r *testExporter) {
	t.Helper()
	require.Eventually(t, func() bool { return r.ConsumeLogs(t.Context(), testEvents(0, 10)) == nil }, testTimeout, 20*time.Millisecond)
	r.awaitStatus(t, componentstatus.StatusOK)
	require.EqualValues(t, 10, r.metric(t, "written")+r.metric(t, "duplicates"))
}

func startWaiting(t *testing.T, edit func(*Config)) *testExporter {
	t.Helper()
	r := newRig(t, t.TempDir(), edit, nil)
	t.Cleanup(func() { require.NoError(t, r.Shutdown(context.Background())) }) // before the servers end
	return r
}

// TestPostgreSQLDownAtStart and then up.
func TestPostgreSQLDownAtStart(t *testing.T) {
	pg := enginepg.Start(t, enginepg.Setting("fsync", "off"))
	address := freeAddress(t)
	forwarded := startWaitingPostgreSQL(t, address)
	require.NoError(t, forwarded.Start(t.Context(), forwarded))
	requireWaits(t, forwarded, "check endpoints")
	forwardTCP(t, address, pg.Address)
	eventuallyTakes(t, forwarded)
	require.NoError(t, forwarded.Shutdown(context.Background()))
}

func startWaitingPostgreSQL(t *testing.T, address string) *testExporter {
	t.Helper()
	return newRig(t, t.TempDir(), func(c *Config) {
		cfg := postgresql.DefaultConfig()
		cfg.Endpoints = []string{address}
		cfg.Username, cfg.Password, cfg.Database = pgserver.Alice.Name, configopaque.String(pgserver.Alice.Password), pgserver.AppDB
		cfg.TablePrefix = "startup_"
		c.SQLite = configoptional.None[sqlite.Config]()
		c.PostgreSQL = configoptional.Some(cfg)
	}, nil)
}

// TestClickHouseAtStart refuses the login until somebody makes the account, and an unknown cluster until somebody makes that.
func TestClickHouseAtStart(t *testing.T) {
	ch := testengine.ClickHouse(t, testengine.LogsOnDemand())
	config := func(edit func(*clickhouse.Config)) func(*Config) {
		return func(c *Config) {
			cfg := clickhouse.DefaultConfig()
			cfg.Endpoints = []string{"clickhouse://" + ch.Native}
			cfg.Username, cfg.Password = chserver.Admin.Name, configopaque.String(chserver.Admin.Password)
			edit(&cfg)
			c.SQLite = configoptional.None[sqlite.Config]()
			c.ClickHouse = configoptional.Some(cfg)
		}
	}
	for door, want := range map[string]string{
		"clickhouse://" + ch.HTTP: "endpoints: this port speaks HTTP, not the native protocol: write http://" + ch.HTTP,
		"http://" + ch.Native:     "endpoints: this port speaks the native protocol, not HTTP: write clickhouse://",
	} {
		t.Run(door, func(t *testing.T) {
			r := startWaiting(t, config(func(c *clickhouse.Config) { c.Endpoints, c.DialTimeout = []string{door}, time.Second }))
			require.NoError(t, r.Start(t.Context(), r))
			requireWaits(t, r, want)
		})
	}
	t.Run("login", func(t *testing.T) {
		r := startWaiting(t, config(func(c *clickhouse.Config) { c.Username, c.Password, c.Database = "newcomer", "secret", "newcomer" }))
		require.NoError(t, r.Start(t.Context(), r))
		requireWaits(t, r, "check username and password")
		ch.Stop(t)
		ch.Restart(t, testengine.Users("<users><newcomer><password>secret</password><networks><ip>::/0</ip></networks>"+
			"<profile>default</profile><quota>default</quota></newcomer></users>"))
		eventuallyTakes(t, r)
		for _, line := range r.logs.All() {
			require.NotContains(t, line.ContextMap()["error"], "secret")
		}
	})
	t.Run("cluster", func(t *testing.T) {
		r := startWaiting(t, config(func(c *clickhouse.Config) { c.Cluster = "nowhere" }))
		require.NoError(t, r.Start(t.Context(), r))
		requireWaits(t, r, "system.clusters")
	})
}

// TestHangingBackendAtStart: a server that takes connections and never answers delays Start by startPatience at most, and Shutdown ends.
func TestHangingBackendAtStart(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	r := startWaitingPostgreSQL(t, l.Addr().String())
	begun := time.Now()
	require.NoError(t, r.Start(t.Context(), r))
	require.Less(t, time.Since(begun), firstStartTimeout+2*time.Second)
	requireWaits(t, r, errConnecting.Error())
	r.reportUnavailable(errors.New("the true reason")) // as soon as it is known, not ten minutes later
	require.ErrorContains(t, r.awaitStatus(t, componentstatus.StatusRecoverableError).Err(), "the true reason")
	require.NotEmpty(t, r.logs.FilterField(zap.Error(errors.New("the true reason"))).All())
	ended := make(chan error, 1)
	go func() { ended <- r.Shutdown(context.Background()) }()
	require.NoError(t, awaitResult(t, ended))
}

// TestQueueOfThoseWhoDoNotWait keeps what came while the backend was away, and has it written when it comes; what is still there when
// the collector stops was never promised.
func TestQueueOfThoseWhoDoNotWait(t *testing.T) {
	dir := t.TempDir()
	var unlock func()
	r := newRig(t, dir, func(c *Config) {
		c.QueueConfig.Get().WaitForResult = false
		c.BackOffConfig.Enabled = false // or what fails once is dropped from the queue
	}, nil)
	first := newRig(t, dir, nil, nil) // makes the file
	require.NoError(t, first.Start(t.Context(), first))
	require.NoError(t, first.Shutdown(context.Background()))
	unlock = first.lock(t)
	defer unlock()
	require.NoError(t, r.Start(t.Context(), r))
	defer func() { require.NoError(t, r.Shutdown(context.Background())) }()
	require.ErrorContains(t, r.awaitStatus(t, componentstatus.StatusRecoverableError).Err(), "busy_timeout")
	require.NoError(t, r.ConsumeLogs(t.Context(), testEvents(0, 10)))
	time.Sleep(50 * time.Millisecond)
	unlock()
	require.Eventually(t, func() bool { return r.count(t) == 10 }, testTimeout, 10*time.Millisecond)
}

// TestMistakesThatNoWaitingMends still fail Start.
func TestMistakesThatNoWaitingMends(t *testing.T) {
	diary := filepath.Join(t.TempDir(), "diary")
	require.NoError(t, os.WriteFile(diary, make([]byte, 4096), 0o600))
	folder := t.TempDir()
	for want, path := range map[string]string{"not a sound SQLite database": diary, "is a directory": folder} {
		r := newRig(t, t.TempDir(), func(c *Config) { c.SQLite.Get().Path = path }, nil)
		require.ErrorContains(t, r.Start(t.Context(), r), want)
		require.NoError(t, r.Shutdown(context.Background()))
	}
}

// TestAnOutageIsWarnedOf at the level that ships, once, and its end is told.
func TestAnOutageIsWarnedOf(t *testing.T) {
	r := startExporter(t, nil, nil)
	unlock := r.lock(t)
	defer unlock()
	done := r.send(t.Context(), testEvents(0, 10))
	r.awaitStatus(t, componentstatus.StatusRecoverableError)
	time.Sleep(200 * time.Millisecond)
	unlock()
	require.NoError(t, awaitResult(t, done))
	warnings := r.logs.FilterMessageSnippet("cannot be written to").All()
	require.Len(t, warnings, 1)
	require.Contains(t, warnings[0].ContextMap()["error"], "busy_timeout")
	require.Equal(t, "sqlite", warnings[0].ContextMap()["key"])
}

// TestDeadLetterBesideTheData, also where the working directory cannot be written.
func TestDeadLetterBesideTheData(t *testing.T) {
	t.Chdir("/proc")
	r := startExporter(t, func(c *Config) { c.DeadLetter.Directory, c.NotEvents = "", NotEventsDeadLetter }, nil)
	require.NoError(t, r.ConsumeLogs(t.Context(), withOthers(testEvents(0, 1), 1)))
	r.letters = filepath.Join(filepath.Dir(r.path), "dead_letter")
	require.Len(t, r.entries(t), 1)
}

// TestAnIdleExporterReportsRecovery: whoever pushes asks readiness first, so nobody would ever write again.
func TestAnIdleExporterReportsRecovery(t *testing.T) {
	r := newRig(t, t.TempDir(), nil, nil)
	r.recoveryIdle = 400 * time.Millisecond
	require.NoError(t, r.Start(t.Context(), r))
	defer func() { require.NoError(t, r.Shutdown(context.Background())) }()
	unlock := r.lock(t)
	defer unlock()
	ctx, leave := context.WithCancel(t.Context())
	done := r.send(ctx, testEvents(0, 10))
	r.awaitStatus(t, componentstatus.StatusRecoverableError)
	leave()
	require.Error(t, awaitResult(t, done))
	unlock()
	r.awaitStatus(t, componentstatus.StatusOK)
	require.Equal(t, 1, r.logs.FilterMessageSnippet("cannot be written to").Len())
}
