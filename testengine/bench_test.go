package testengine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/engines"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
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

// BenchmarkStart is what each test pays for a server of its own: start, both listeners answering, kill.
func BenchmarkStart(b *testing.B) {
	if _, err := engines.ClickHouse.Find(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := server.Start(b.Context(), server.Config{Dir: b.TempDir()})
		require.NoError(b, err)
		require.NoError(b, s.Close())
	}
}
