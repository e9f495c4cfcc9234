package loginmetrics

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/otel-sessionlog/sessionlog/session"
)

// TestMetadataNamesTheMetricsOfLogins: what flows into a metrics pipeline stands in the connector's metadata.yaml, and nothing else does.
func TestMetadataNamesTheMetricsOfLogins(t *testing.T) {
	text, err := os.ReadFile("../../metadata.yaml")
	require.NoError(t, err)
	type metric struct{ Unit, Description string }
	var metadata struct{ Metrics map[string]metric }
	require.NoError(t, yaml.Unmarshal(text, &metadata))

	tally := NewTally(10)
	tally.CountEvent(event(1), 0)
	tally.CountEvent(event(2, func(e *session.Event) { e.Kind, e.Duration = session.KindLogout, 1 }), 0)
	tally.SetOpenSessions(func(yield func(Server, int64)) { yield(Server{"shop", "eu"}, 1) })
	sent := map[string]metric{}
	for _, m := range build(tally, 1).ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		sent[m.Name()] = metric{m.Unit(), m.Description()}
	}
	require.Equal(t, metadata.Metrics, sent)
}
