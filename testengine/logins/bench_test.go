package logins_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine"
)

// BenchmarkMix says how many real logins a second the generator and the server manage together.
func BenchmarkMix(b *testing.B) {
	const n = 1000
	s := testengine.ClickHouse(b)
	c := newClient(b, s)
	for b.Loop() {
		done, err := c.Mix(b.Context(), n, 1, 8)
		require.NoError(b, err)
		require.Len(b, done, n)
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "logins/s")
}
