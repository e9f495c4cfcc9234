package redshift

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
)

// wrong are the findings that are not all right; none of them holds the password.
func wrong(t *testing.T, cfg Config) []connectcheck.Finding {
	t.Helper()
	all := cfg.CheckConnection(t.Context())
	require.NotEmpty(t, all)
	for _, f := range all {
		require.NotEmpty(t, f.Subject)
		require.NotEmpty(t, f.Detail)
		if cfg.Password != "" {
			require.NotContains(t, f.Detail+f.Remedy, string(cfg.Password))
		}
	}
	return slices.DeleteFunc(all, func(f connectcheck.Finding) bool { return f.OK })
}

func TestCheckConnection(t *testing.T) {
	s := redshift.Start(t)
	f := func(change func(*Config), key, remedy string) {
		t.Helper()
		cfg := config(s, redshift.Collector)
		change(&cfg)
		found := wrong(t, cfg)
		require.Len(t, found, 1)
		require.Equal(t, key, found[0].Key)
		require.Contains(t, found[0].Remedy, remedy)
	}
	f(func(*Config) {}, "username", "GRANT SELECT ON sys_connection_log TO collector")
	grant(t, s, "sys_connection_log")
	require.Empty(t, wrong(t, config(s, redshift.Collector)))
	f(func(c *Config) { c.Password = "another secret" }, "username", "ALTER USER collector PASSWORD")
	f(func(c *Config) { c.Username = `o'brien-"x"` }, "username", `ALTER USER "o'brien-""x""" PASSWORD`)
	f(func(c *Config) { c.Database = "nosuch" }, "database", "such as dev")
	f(func(c *Config) { c.Table = "public.nowhere" }, "table", "correct database")
	f(func(c *Config) { c.Endpoints = []string{"127.0.0.1:1"} }, "endpoints", "security group")
}

// A PostgreSQL is named as what it is, by the source and by the check.
func TestAPostgreSQLIsNoRedshift(t *testing.T) {
	s := postgresql.Start(t)
	cfg := DefaultConfig()
	cfg.Endpoints, cfg.Database = []string{s.Address}, server.AppDB
	cfg.Username, cfg.Password = server.Alice.Name, configopaque.String(server.Alice.Password)
	found := wrong(t, cfg)
	require.Len(t, found, 1)
	require.Equal(t, "endpoints", found[0].Key)
	require.Contains(t, found[0].Remedy, "block postgresql in place of redshift")

	r := run(t, cfg, &sourcetest.Store{})
	eventually(t, "the truth", func() bool { return r.lastStatus() != nil })
	require.ErrorIs(t, r.lastStatus(), errNoRedshift)
	require.Positive(t, r.stats.Counts().Failed)
	require.Equal(t, 1, r.log.FilterLevelExact(zap.WarnLevel).FilterField(zap.Error(r.lastStatus())).Len(), "a warning says so, once")
}
