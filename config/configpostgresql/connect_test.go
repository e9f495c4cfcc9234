package configpostgresql_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configtls"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

func ask(t *testing.T, conn *pgconn.PgConn, sql string) string {
	t.Helper()
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	results, err := conn.Exec(t.Context(), sql).ReadAll()
	require.NoError(t, err)
	return string(results[0].Rows[0][0])
}

func TestConnect(t *testing.T) {
	pg := postgresql.Start(t)
	base := configpostgresql.DefaultClientConfig()
	base.Endpoints, base.Database = []string{"localhost:1", "postgresql://" + pg.Address}, server.AppDB
	base.Username, base.Password = server.Alice.Name, configopaque.String(server.Alice.Password)
	tls := func(ca string) configoptional.Optional[configtls.ClientConfig] {
		c := configtls.NewDefaultClientConfig()
		c.CAFile = ca
		return configoptional.Some(c)
	}

	conn, err := base.Connect(t.Context(), configpostgresql.Options{Writes: true, Parameters: map[string]string{"search_path": "pg_catalog"}})
	require.NoError(t, err)
	require.Equal(t, "sessionlog pg_catalog f", ask(t, conn,
		"SELECT concat_ws(' ', application_name, current_setting('search_path'), ssl) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE pid = pg_backend_pid()"))

	secure := base
	secure.TLS = tls(pg.TLS().CA)
	conn, err = secure.Connect(t.Context(), configpostgresql.Options{})
	require.NoError(t, err)
	require.Equal(t, "true", ask(t, conn, "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))

	stranger := base
	stranger.TLS = tls("")
	_, err = stranger.Connect(t.Context(), configpostgresql.Options{})
	require.ErrorIs(t, err, configpostgresql.ErrUnreachable)
	require.ErrorContains(t, err, "certificate")

	// A server that takes no writes is passed over by those who write.
	pg.ExecIn(t, server.AppDB, "ALTER ROLE alice SET default_transaction_read_only = on")
	_, err = base.Connect(t.Context(), configpostgresql.Options{Writes: true})
	require.Error(t, err)
	conn, err = base.Connect(t.Context(), configpostgresql.Options{})
	require.NoError(t, err)
	require.Equal(t, "1", ask(t, conn, "SELECT 1"))
}
