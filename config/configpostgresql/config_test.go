package configpostgresql

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configtls"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEndpoints(t *testing.T) {
	for _, c := range []struct{ text, want, problem string }{
		{"localhost:5432", "localhost:5432", ""},
		{"postgresql://db.example:5433", "db.example:5433", ""},
		{"postgres://db.example:5433/", "db.example:5433", ""},
		{"redshift://c.eu-west-1.redshift.amazonaws.com:5439", "c.eu-west-1.redshift.amazonaws.com:5439", ""},
		{"[2001:db8::1]:5432", "[2001:db8::1]:5432", ""},
		{"/var/run/postgresql", "/var/run/postgresql:5432", ""},
		{"/var/run/postgresql:5433", "/var/run/postgresql:5433", ""},
		{"localhost", "", "has no port; the usual one is 5432"},
		{"redshift://c", "", "has no port; the usual one is 5439"},
		{"mysql://h:1", "", "its scheme is none of"},
		{"h:0", "", "its port is not in 1-65535"},
		{"/sock:x", "", "its port is not in 1-65535"},
		{"postgresql://alice:s3cret@h:5432", "", "holds a user or password"},
		{"postgresql://h:5432/db", "", "write the database"},
		{"postgresql://h:5432?sslmode=disable", "", "tls"},
		{"", "", "cannot be read"},
	} {
		e, err := parseEndpoint(c.text)
		if c.problem != "" {
			require.ErrorContains(t, err, c.problem, c.text)
			require.NotContains(t, err.Error(), "s3cret")
			continue
		}
		require.NoError(t, err, c.text)
		require.Equal(t, strings.Trim(c.want, "[]"), strings.Trim(e.String(), "[]"))
	}
}

func TestValidate(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(DefaultClientConfig()))
	valid := DefaultClientConfig()
	valid.Endpoints, valid.Username = []string{"h:5432"}, "u"
	require.NoError(t, valid.Check())
	require.Equal(t, "h:5432", valid.FirstHost())
	for _, c := range []struct {
		change func(*ClientConfig)
		want   string
	}{
		{func(c *ClientConfig) { c.Endpoints = nil }, "endpoints: none given"},
		{func(c *ClientConfig) { c.Endpoints = []string{"h:5432", "h"} }, "endpoints[1]: has no port"},
		{func(c *ClientConfig) { c.Username = "" }, "username: empty"},
		{func(c *ClientConfig) { c.Password = "a\x00b" }, "password: must not hold a NUL"},
		{func(c *ClientConfig) { c.DialTimeout = 0 }, "dial_timeout: "},
	} {
		cfg := valid
		c.change(&cfg)
		require.ErrorContains(t, cfg.Check(), c.want)
	}
}

// TestNothingFromTheEnvironment: what counts is written in the configuration.
func TestNothingFromTheEnvironment(t *testing.T) {
	for name, value := range map[string]string{
		"PGHOST": "elsewhere", "PGPORT": "1", "PGUSER": "mallory", "PGPASSWORD": "other", "PGDATABASE": "other", "PGSSLMODE": "verify-full",
		"PGAPPNAME": "other", "PGTARGETSESSIONATTRS": "standby", "PGCONNECT_TIMEOUT": "1", "PGOPTIONS": "-c synchronous_commit=off",
		"PGREQUIREAUTH": "none", "PGCHANNELBINDING": "disable", "PGSSLNEGOTIATION": "direct",
	} {
		t.Setenv(name, value)
	}
	cfg := DefaultClientConfig()
	cfg.Endpoints, cfg.Username = []string{"one:5432", "two:5433", "/sock"}, "u"
	cfg.TLS = configoptional.Some(configtls.NewDefaultClientConfig())
	got, err := cfg.driverConfig(t.Context(), Options{Parameters: map[string]string{"search_path": "x"}})
	require.NoError(t, err)
	require.Equal(t, []any{"one", uint16(5432), "u", "", "", cfg.DialTimeout, "", "prefer", "postgres"},
		[]any{got.Host, got.Port, got.User, got.Password, got.Database, got.ConnectTimeout, got.RequireAuth, got.ChannelBinding, got.SSLNegotiation})
	require.Equal(t, map[string]string{"application_name": "sessionlog", "client_encoding": "UTF8", "search_path": "x"}, got.RuntimeParams)
	require.Nil(t, got.ValidateConnect)
	require.Equal(t, "one", got.TLSConfig.ServerName)
	require.Len(t, got.Fallbacks, 2)
	require.Equal(t, "two", got.Fallbacks[0].TLSConfig.ServerName)
	require.Nil(t, got.Fallbacks[1].TLSConfig, "a socket has no TLS")
}

func TestExplain(t *testing.T) {
	for code, want := range map[string]error{
		"28P01": ErrLogin, "28000": ErrLogin, "3D000": ErrDatabase, "53300": ErrBusy, "57P03": ErrStarting, "25006": ErrReadOnly,
	} {
		err := ExplainError(&pgconn.PgError{Code: code})
		require.ErrorIs(t, err, want)
		require.Equal(t, code, SQLState(err))
	}
	require.NoError(t, ExplainError(nil))
	require.Empty(t, SQLState(nil))
}
