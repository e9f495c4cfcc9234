package server_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine/engines"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

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
