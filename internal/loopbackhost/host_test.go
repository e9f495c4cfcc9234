package loopbackhost

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIsLoopback(t *testing.T) {
	for _, host := range []string{"localhost", "LocalHost", "ch.localhost", "127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"} {
		require.True(t, IsLoopback(host), host)
	}
	for _, host := range []string{"", "0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "localhost.example.com", "127.0.0.1.example.com", "[::1]"} {
		require.False(t, IsLoopback(host), host)
	}
}
