package sessionlogexporter

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNoticesHoldNoValue runs records with a secret through every way that logs.
func TestNoticesHoldNoValue(t *testing.T) {
	r := startExporter(t, func(c *Config) { c.NotEvents = NotEventsDeadLetter }, refusePort(1024, "client_port: not this one"))
	require.NoError(t, r.ConsumeLogs(t.Context(), withOthers(testEvents(0, 10), 3)))
	require.Positive(t, r.logs.Len())
	for _, line := range r.logs.All() {
		require.NotContains(t, line.Message, "secret")
		for _, v := range line.ContextMap() {
			require.NotContains(t, fmt.Sprint(v), "secret")
		}
	}
}
