package sessionlogexporter

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/postgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/exporter/backendblocks"
)

func choose(b backendblocks.Blocks) (backendblocks.Backend, error) {
	return b.Choose("an exporter", "sessionlog")
}

func TestOneBackend(t *testing.T) {
	blocks := backendblocks.Blocks{SQLite: configoptional.Default(sqlite.DefaultConfig())}
	chosen, err := choose(blocks)
	require.NoError(t, err)
	require.Equal(t, "sqlite", chosen.Key, "none written")

	server := postgresql.DefaultConfig()
	server.Sessions.AssumedClosedAfter = time.Hour
	blocks.PostgreSQL = configoptional.Some(server)
	chosen, err = choose(blocks)
	require.NoError(t, err)
	require.Equal(t, "postgresql", chosen.Key, "the default does not get in its way")
	require.Equal(t, time.Hour, chosen.AssumedClosedAfter)

	blocks.ClickHouse = configoptional.Some(clickhouse.DefaultConfig())
	_, err = choose(blocks)
	require.EqualError(t, err, "clickhouse, postgresql: an exporter has one backend; keep one here and give each other an exporter of its own, such as sessionlog/postgresql")
}

// TestErrorsNameTheBlock, and say where nothing was written yet.
func TestErrorsNameTheBlock(t *testing.T) {
	blocks := backendblocks.Blocks{SQLite: configoptional.Default(sqlite.DefaultConfig())}
	file := sqlite.DefaultConfig()
	file.Path = filepath.Join(t.TempDir(), "none.db")
	blocks.SQLite = configoptional.Some(file)
	chosen, err := choose(blocks)
	require.NoError(t, err)
	_, err = chosen.OpenQueryStore(t.Context())
	require.ErrorContains(t, err, "sqlite: ")
	require.True(t, chosen.IsUnwritten(err), err)

	blocks = backendblocks.Blocks{}
	blocks.ClickHouse = configoptional.Some(clickhouse.DefaultConfig())
	chosen, err = choose(blocks)
	require.NoError(t, err)
	require.True(t, chosen.IsUnwritten(fmt.Errorf("asking: %w", clickhouse.ErrNoSchema)))
	require.False(t, chosen.IsUnwritten(errors.New("connection refused")))
}
