package file_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/file"
)

func TestMistakesInTheConfiguration(t *testing.T) {
	require.NoError(t, config("/var/lib/export/**/session_log*.{jsonl,gz}").Validate())
	for _, test := range []struct {
		change func(*file.Config)
		want   string
	}{
		{func(c *file.Config) { c.Include = nil }, "include: required: list the files or globs"},
		{func(c *file.Config) { c.Include = []string{"a", "[b"} }, `include[1]: "[b" is not a path or glob`},
		{func(c *file.Config) { c.Include = []string{""} }, `include[0]: "" is not a path or glob`},
		{func(c *file.Config) { c.Exclude = []string{"{a"} }, `exclude[0]: "{a" is not a path or glob`},
		{func(c *file.Config) { c.Format = "Parquet" }, `format: "Parquet" is not known: write auto or one of connectionlog, `},
		{func(c *file.Config) { c.Timezone = "IST" }, `timezone: "IST" is not an IANA name: write the server's zone`},
		{func(c *file.Config) { c.Timezone = "Local" }, `timezone: "Local" is not an IANA name`},
		{func(c *file.Config) { c.PollInterval = 0 }, "poll_interval: must be longer than 0"},
		{func(c *file.Config) { c.BatchSize = 0 }, "batch_size: must be 1 or more"},
		{func(c *file.Config) { c.MaxLineBytes = 10 }, "max_line_bytes: must be 1024 or more"},
		{func(c *file.Config) { c.UndecidedAfter = 0 }, "undecided_after: must be longer than 0"},
		{func(c *file.Config) { c.LogLinePrefix = "%m %u " }, `log_line_prefix: "%m %u " has neither %p nor %c, without which the lines of one connection cannot be distinguished`},
		{func(c *file.Config) { c.LogLinePrefix = "[%p] " }, `log_line_prefix: "[%p] " has none of the times %m, %t and %n: set log_line_prefix = '%m`},
		{func(c *file.Config) { c.LogLinePrefix = "%%p %u" }, "and has none of the times"},
		{func(c *file.Config) { c.Initial = "middle" }, `initial: "middle" is not known: write beginning or end`},
	} {
		cfg := config("a")
		test.change(&cfg)
		require.ErrorContains(t, cfg.Validate(), test.want)
	}
}

func TestDefaults(t *testing.T) {
	cfg := file.DefaultConfig()
	require.ErrorContains(t, cfg.Validate(), "include: required", "everything else has a default")
	require.Equal(t, file.Config{
		Format: "auto", Follow: true, PollInterval: time.Second, BatchSize: 1024, MaxLineBytes: 16 << 20, Initial: "beginning",
		UndecidedAfter: 10 * time.Second,
	}, cfg)
	require.Empty(t, cfg.DefaultInstance())
	cfg.Include = []string{"/var/lib/export/*.jsonl", "/other"}
	host, err := os.Hostname()
	require.NoError(t, err)
	require.Equal(t, host+":/var/lib/export/*.jsonl", cfg.DefaultInstance(), "one configuration on many hosts")
}
