package postgresql_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otel-sessionlog/sessionlog/receiver/source/postgresql"
)

func TestMistakesInTheConfiguration(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(postgresql.DefaultConfig()))
	for _, test := range []struct {
		change func(*postgresql.Config)
		want   string
	}{
		{func(*postgresql.Config) {}, ""},
		{func(c *postgresql.Config) { c.Endpoints = nil }, "endpoints: none given"},
		{func(c *postgresql.Config) { c.Username = "" }, "username: empty"},
		{func(c *postgresql.Config) { c.Format = "syslog" }, `format: "syslog" is not known: write auto or one of jsonlog, csvlog, stderr`},
		{func(c *postgresql.Config) { c.LogLinePrefix = "%m %u " }, `log_line_prefix: "%m %u " has neither %p nor %c`},
		{func(c *postgresql.Config) { c.Timezone = "IST" }, `timezone: "IST" is not an IANA name`},
		{func(c *postgresql.Config) { c.CollectionInterval = 0 }, "collection_interval: must be longer than 0"},
		{func(c *postgresql.Config) { c.UndecidedAfter = -time.Second }, "undecided_after: must be longer than 0"},
		{func(c *postgresql.Config) { c.BatchSize = 0 }, "batch_size: must be 1 or more"},
		{func(c *postgresql.Config) { c.MaxLineBytes = 1 }, "max_line_bytes: must be 1024 or more"},
		{func(c *postgresql.Config) { c.Initial = "middle" }, `initial: "middle" is not known`},
	} {
		cfg := postgresql.DefaultConfig()
		cfg.Endpoints, cfg.Username = []string{"postgresql://db-1:5432"}, "audit"
		test.change(&cfg)
		if test.want == "" {
			require.NoError(t, cfg.Validate())
			require.Equal(t, "db-1:5432", cfg.DefaultInstance())
			continue
		}
		require.ErrorContains(t, cfg.Validate(), test.want)
	}
}
