package poll

import (
	"testing"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
)

func TestConfigStruct(t *testing.T) {
	cfg := DefaultConfig()
	require.NoError(t, componenttest.CheckConfigStruct(&cfg))
}

func TestValidate(t *testing.T) {
	f := func(change func(*Config), want string) {
		t.Helper()
		cfg := DefaultConfig()
		change(&cfg)
		if err := cfg.Check(); want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, want)
		}
	}
	f(func(*Config) {}, "")
	f(func(c *Config) { c.Initial = source.InitialEnd }, "")
	f(func(c *Config) { c.Initial = "2026-01-31T00:00:00+05:30" }, "")
	f(func(c *Config) { c.Initial = "yesterday" }, `initial: "yesterday" is none of beginning, end, or a time such as 2026-01-31T00:00:00Z`)
	f(func(c *Config) { c.Initial = "" }, "initial: ")
	f(func(c *Config) { c.CollectionInterval = 0 }, "collection_interval: 0s is less than 10ms")
	f(func(c *Config) { c.Overlap = -time.Second }, "overlap: ")
	f(func(c *Config) { c.Overlap = 48 * time.Hour }, "reconcile_window: 24h0m0s is less than overlap, 48h0m0s")
	f(func(c *Config) { c.ReconcileInterval = 0 }, "reconcile_interval: ")
	f(func(c *Config) { c.BatchSize = 0 }, "batch_size: 0 is not in 1-1048576")
	f(func(c *Config) { c.BatchSize = 1 << 21 }, "batch_size: ")
}
