package postgresql_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/postgresql"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	engine "github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
)

// missing are the subjects of the findings that are not well, each with its remedy.
func missing(t *testing.T, findings []connectcheck.Finding) map[string]string {
	t.Helper()
	wrong := map[string]string{}
	for _, f := range findings {
		require.NotEmpty(t, f.Subject)
		require.NotContains(t, f.Detail+f.Remedy, server.Audit.Password)
		if !f.OK {
			wrong[f.Subject] = f.Remedy
			require.NotEmpty(t, f.Detail)
			require.NotEmpty(t, f.Remedy, f.Subject)
		}
	}
	return wrong
}

// TestCheckConnection names what is missing, one after the other, and each statement that it gives mends it.
func TestCheckConnection(t *testing.T) {
	s := engine.Start(t, engine.Setting("log_connections", "receipt"), engine.Setting("log_disconnections", "off"), engine.Setting("lc_messages", "POSIX"),
		engine.LogFormats(server.Stderr), engine.LogLinePrefix("%m %u "), engine.Timezone("Asia/Kolkata"))
	cfg := config(s)
	cfg.Timezone = "Europe/Berlin"

	wrong := missing(t, cfg.CheckConnection(t.Context()))
	require.Len(t, wrong, 5, wrong)
	require.Contains(t, wrong["functions sessionlog.log_files and sessionlog.read_log"], "psql -X -v ON_ERROR_STOP=1 -d app -f install.sql")
	require.Contains(t, wrong["log_timezone"], "leave timezone out")
	s.ExecIn(t, server.AppDB, postgresql.InstallSQL)
	cfg.Timezone = ""

	wrong = missing(t, cfg.CheckConnection(t.Context()))
	require.Len(t, wrong, 4, wrong)
	grant, _, _ := strings.Cut(wrong["grant sessionlog_logs"], ",")
	s.Exec(t, grant)
	for _, setting := range []string{"log_connections", "log_disconnections", "log_line_prefix"} {
		alter, _, _ := strings.Cut(wrong[setting], ";")
		s.Exec(t, alter)
	}
	s.Exec(t, "SELECT pg_reload_conf()")
	require.Eventually(t, func() bool { return len(missing(t, cfg.CheckConnection(t.Context()))) == 0 }, waitLimit, waitPause)
	for _, f := range cfg.CheckConnection(t.Context()) {
		require.True(t, f.OK, f.Subject)
	}
}

// TestCheckConnectionNamesTheKey of what keeps the account out.
func TestCheckConnectionNamesTheKey(t *testing.T) {
	s := engine.Start(t)
	for key, change := range map[string]func(*postgresql.Config){
		"username":  func(c *postgresql.Config) { c.Password = "mistyped" },
		"database":  func(c *postgresql.Config) { c.Database = "nosuch" },
		"endpoints": func(c *postgresql.Config) { c.Endpoints = []string{"127.0.0.1:1"} },
	} {
		cfg := config(s)
		change(&cfg)
		found := cfg.CheckConnection(t.Context())
		require.Len(t, found, 1)
		require.False(t, found[0].OK)
		require.Equal(t, key, found[0].Key)
		require.NotEmpty(t, found[0].Remedy)
		require.NotContains(t, found[0].Detail, "mistyped")
	}
	cfg := config(s)
	cfg.Database = server.SealedDB
	require.Equal(t, "GRANT CONNECT ON DATABASE postgres TO audit", cfg.CheckConnection(t.Context())[0].Remedy[len("write the database in which install.sql was run, or "):])
}

// TestRemediesPaste for an account and a database whose names need quotes.
func TestRemediesPaste(t *testing.T) {
	const name = `o'brien-"x"`
	s := engine.Start(t)
	s.Exec(t, `CREATE ROLE "o'brien-""x""" PASSWORD 'audit-pw'`)
	s.Exec(t, `CREATE DATABASE "o'brien-""x"""`)
	s.Exec(t, `REVOKE CONNECT ON DATABASE "o'brien-""x""" FROM PUBLIC`)
	cfg := config(s)
	cfg.Username, cfg.Password, cfg.Database = name, "audit-pw", name
	login := cfg.CheckConnection(t.Context())[0].Remedy // it may not log in yet
	statement, _, _ := strings.Cut(login, ", and a line in pg_hba.conf")
	s.Exec(t, strings.ReplaceAll(statement, "…", "audit-pw"))
	database := cfg.CheckConnection(t.Context())[0].Remedy
	s.Exec(t, strings.TrimPrefix(database, "write the database in which install.sql was run, or "))
	require.NotContains(t, missing(t, cfg.CheckConnection(t.Context())), "login")
}

// TestRedshiftIsNamed: it speaks PostgreSQL's protocol, and has a block of its own.
func TestRedshiftIsNamed(t *testing.T) {
	r := redshift.Start(t)
	cfg := postgresql.DefaultConfig()
	cfg.Endpoints, cfg.Database = []string{"redshift://" + r.Address}, redshift.Database
	cfg.Username, cfg.Password = redshift.Writer.Name, configopaque.String(redshift.Writer.Password)
	found := cfg.CheckConnection(t.Context())
	require.Len(t, found, 1)
	require.Contains(t, found[0].Detail, "this server is Amazon Redshift")
	require.Contains(t, found[0].Remedy, "block `redshift`")
	j := start(t, cfg, &sourcetest.Store{})
	awaitStatus(t, j, "write the block `redshift` in place of `postgresql`")
	j.stop(t)
}

// TestSettingsThatHideLoginsAreWarnedOf once, with the statement that mends them, and it is said when they are mended.
func TestSettingsThatHideLoginsAreWarnedOf(t *testing.T) {
	s := engine.Start(t, engine.Setting("log_connections", ""), engine.LogFormats(server.JSONLog))
	install(t, s)
	core, logs := observer.New(zapcore.InfoLevel)
	var later atomic.Int64
	j := startWith(t, config(s), &sourcetest.Store{}, func(host *source.Host) {
		host.Log, host.Now = zap.New(core), func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	})
	warned := func() int {
		return logs.FilterLevelExact(zapcore.WarnLevel).FilterMessageSnippet("log_connections = ''").Len()
	}
	require.Eventually(t, func() bool { return warned() > 0 }, waitLimit, waitPause)
	require.Contains(t, logs.FilterMessageSnippet("log_connections = ''").All()[0].ContextMap()["remedy"], "ALTER SYSTEM SET log_connections = on")
	s.Exec(t, "ALTER SYSTEM SET log_connections = 'all'")
	s.Exec(t, "SELECT pg_reload_conf()")
	require.Equal(t, 1, warned(), "once, however often it looks")
	later.Store(int64(conditionlog.RepeatEvery)) // a session does not see the change, so another one is asked
	require.Eventually(t, func() bool { return logs.FilterMessage("the server's setting is as it should be").Len() == 1 }, waitLimit, waitPause)
	j.stop(t)
	require.Equal(t, warned(), logs.FilterLevelExact(zapcore.WarnLevel).Len())
}
