package postgresql

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/internal/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/internal/testengine/redshift"
	"github.com/otel-sessionlog/sessionlog/session"
)

func startRedshift(t testing.TB) *redshift.Server {
	return redshift.Start(t, redshift.PostgreSQL(postgresql.Version(15), hasty))
}

func redshiftConfig(t testing.TB, s *redshift.Server) Config {
	cfg := DefaultConfig()
	cfg.Dialect = DialectRedshift
	cfg.Endpoints = []string{"redshift://" + s.Address}
	cfg.Username, cfg.Password, cfg.Database = redshift.Writer.Name, configopaque.String(redshift.Writer.Password), redshift.Database
	cfg.Schema = fmt.Sprintf("test_%d", schemas.Add(1))
	s.Exec(t, "CREATE SCHEMA "+cfg.Schema+" AUTHORIZATION "+redshift.Writer.Name)
	return cfg
}

// TestRedshift runs the suite through the proxy, which refuses what Redshift refuses.
func TestRedshift(t *testing.T) {
	t.Parallel()
	server := startRedshift(t)
	backendtest.Run(t, backendtest.Harness{
		Dialect: backendtest.Redshift,
		New:     func(t *testing.T) backendtest.Storage { return schema{redshiftConfig(t, server)} },
	})
	t.Run("Limits", func(t *testing.T) { redshiftLimits(t, redshiftConfig(t, server)) })
	t.Run("Retention", func(t *testing.T) { redshiftRetention(t, redshiftConfig(t, server)) })
	t.Run("ManyStatements", func(t *testing.T) { redshiftStatements(t, redshiftConfig(t, server)) })
	t.Run("FromEachVersion", func(t *testing.T) { fromEachVersion(t, func() Config { return redshiftConfig(t, server) }) })
	t.Run("RedshiftWords", func(t *testing.T) { redshiftWords(t, redshiftConfig(t, server)) })
	t.Run("WrongDialect", func(t *testing.T) {
		cfg := redshiftConfig(t, server)
		cfg.Dialect = DialectPostgreSQL
		s := newStore(t, cfg)
		err := s.Start(t.Context())
		stopStore(t, s)
		require.ErrorContains(t, err, "dialect: redshift")
	})
}

// redshiftLimits: texts beyond Redshift's limits are refused by the name of their column.
func redshiftLimits(t *testing.T, cfg Config) {
	s := startStore(t, cfg)
	now := time.Now()
	long, edge, roles, attribute := at(now, "long"), at(now, "edge"), at(now, "roles"), at(now, "attribute")
	long.FailureReason = string(make([]byte, maxText)) // each NUL takes four bytes
	edge.FailureReason = string(make([]byte, maxText/4))
	for range 10_000 {
		roles.Roles = append(roles.Roles, "analyst")
	}
	attribute.Extra = []session.Attr{{Key: "k", Value: string(make([]rune, maxText))}}
	res := write1(t, s, seq(long, edge, roles, attribute))
	require.Equal(t, 1, res.Written)
	require.Equal(t, []backend.Rejection{
		{Index: 0, Reason: "column failure_reason takes at most 65535 bytes in Redshift"},
		{Index: 2, Reason: "column roles takes at most 65535 bytes in Redshift"},
		{Index: 3, Reason: "column attributes takes at most 65535 bytes in Redshift"},
	}, res.Rejected)
	got := readAll(t, cfg)
	require.Len(t, got, 1)
	require.Equal(t, edge.FailureReason, got[0].FailureReason)
}

func redshiftRetention(t *testing.T, cfg Config) {
	keeper := startStore(t, cfg)
	now := time.Now()
	write1(t, keeper, seq(at(now.Add(-48*time.Hour), "old"), at(now, "new")))
	cfg.TTL = 24 * time.Hour
	startStore(t, cfg)
	require.Eventually(t, func() bool { return len(readAll(t, cfg)) == 1 }, 30*time.Second, 10*time.Millisecond)
}

// redshiftStatements: a batch that no one statement holds.
func redshiftStatements(t *testing.T, cfg Config) {
	s := startStore(t, cfg)
	var all []*session.Event
	for i := range 400 {
		e := at(time.Now(), fmt.Sprint("user ", i))
		e.Original = fmt.Sprintf("%065000d", i)
		all = append(all, e)
	}
	require.Equal(t, backend.Result{Written: 400}, write1(t, s, seq(all...)))
	require.Equal(t, backend.Result{Duplicates: 400}, write1(t, s, seq(all...)))
}
