package configpostgresql_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configtls"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// TestThePasswordIsNotSentInCleartext: a server that asks for it so does not get it without TLS, unless that is written.
func TestThePasswordIsNotSentInCleartext(t *testing.T) {
	pg := postgresql.Start(t, postgresql.HBA("host all alice 127.0.0.1/32 password", "host all alice ::1/128 password"))
	cfg := configpostgresql.DefaultClientConfig()
	cfg.Endpoints, cfg.Database = []string{pg.Address}, server.AppDB
	cfg.Username, cfg.Password = server.Alice.Name, configopaque.String(server.Alice.Password)
	tls := func(change func(*configtls.ClientConfig)) configoptional.Optional[configtls.ClientConfig] {
		c := configtls.NewDefaultClientConfig()
		change(&c)
		return configoptional.Some(c)
	}

	_, err := cfg.Connect(t.Context(), configpostgresql.Options{})
	require.ErrorIs(t, err, configpostgresql.ErrCleartext)
	require.ErrorContains(t, err, "tls: {insecure: true}")
	require.NotContains(t, err.Error(), server.Alice.Password)
	cfg.Endpoints = []string{pg.SocketDir + ":" + pg.Address[strings.LastIndex(pg.Address, ":")+1:], pg.Address}
	_, err = cfg.Connect(t.Context(), configpostgresql.Options{})
	require.NoError(t, err, "scram over the socket is none")

	for name, block := range map[string]configoptional.Optional[configtls.ClientConfig]{
		"TLS":      tls(func(c *configtls.ClientConfig) { c.CAFile = pg.TLS().CA }),
		"in words": tls(func(c *configtls.ClientConfig) { c.Insecure = true }),
	} {
		let := cfg
		let.Endpoints, let.TLS = []string{strings.Replace(pg.Address, "127.0.0.1", "localhost", 1)}, block
		conn, err := let.Connect(t.Context(), configpostgresql.Options{})
		require.NoError(t, err, name)
		require.Equal(t, "1", ask(t, conn, "SELECT 1"))
	}
}

// TestAPasswordOverANetworkWarns at the start of whatever uses these settings.
func TestAPasswordOverANetworkWarns(t *testing.T) {
	insecure, verified := configtls.NewDefaultClientConfig(), configtls.NewDefaultClientConfig()
	insecure.Insecure = true
	for _, c := range []struct {
		endpoint string
		password configopaque.String
		tls      configoptional.Optional[configtls.ClientConfig]
		warns    bool
	}{
		{"db-1:5432", "s3cret", configoptional.None[configtls.ClientConfig](), true},
		{"postgresql://192.0.2.1:5432", "s3cret", configoptional.Some(insecure), true},
		{"redshift://[2001:db8::1]:5439", "s3cret", configoptional.None[configtls.ClientConfig](), true},
		{"db-1:5432", "s3cret", configoptional.Some(verified), false},
		{"db-1:5432", "", configoptional.None[configtls.ClientConfig](), false},
		{"localhost:5432", "s3cret", configoptional.None[configtls.ClientConfig](), false},
		{"127.0.0.7:5432", "s3cret", configoptional.None[configtls.ClientConfig](), false},
		{"[::1]:5432", "s3cret", configoptional.None[configtls.ClientConfig](), false},
		{"/var/run/postgresql", "s3cret", configoptional.None[configtls.ClientConfig](), false},
	} {
		core, logs := observer.New(zapcore.WarnLevel)
		cfg := configpostgresql.DefaultClientConfig()
		cfg.Endpoints, cfg.Password, cfg.TLS = []string{c.endpoint}, c.password, c.tls
		cfg.WarnOfPlaintext(zap.New(core))
		require.Equal(t, c.warns, logs.Len() == 1, c.endpoint)
		for _, entry := range logs.All() {
			require.Contains(t, entry.Message, "`tls: {}`")
			require.NotContains(t, entry.Message, "s3cret")
		}
	}
}
