package cloudwatch_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/goleak"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/cloudwatch"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	engine "github.com/otel-sessionlog/sessionlog/testengine/cloudwatch"
)

const (
	group  = "/aws/rds/instance/orders/postgresql"
	stream = "orders.0"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func config(s *engine.Server, groups ...string) cloudwatch.Config {
	cfg := cloudwatch.DefaultConfig()
	cfg.Region, cfg.Endpoint, cfg.LogGroups = "eu-central-1", s.URL, groups
	cfg.CollectionInterval = 5 * time.Millisecond
	return cfg
}

func newSource(t testing.TB, cfg cloudwatch.Config) source.Source {
	t.Helper()
	require.NoError(t, cfg.Validate())
	src, err := cloudwatch.New(cfg, "test", componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	return src
}

func start(t testing.TB, cfg cloudwatch.Config, store *sourcetest.Store, changes ...func(*source.Host)) *sourcetest.Job {
	t.Helper()
	return sourcetest.StartJob(t, newSource(t, cfg), store, changes...)
}

// recently is a time in whole seconds within the overlap.
func recently() time.Time { return time.Now().UTC().Add(-2 * time.Minute).Truncate(time.Second) }

// put writes each line as an event of its own.
func put(s *engine.Server, at time.Time, lines ...string) {
	for _, line := range lines {
		s.Put(group, stream, engine.Event{Time: at, Message: line})
	}
}
