package loopbackhost

import (
	"net"
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

func TestWhyAServerCannotListen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	for address, want := range map[string]string{
		taken.Addr().String(): "may have the port: give this one another", "192.0.2.7:0": "this machine has no such address", "nosuch.invalid:0": "write an address of this machine",
	} {
		_, err := net.Listen("tcp", address)
		require.ErrorContains(t, ExplainListen(err), want)
	}
}

func TestAddressesThatNoServerListensOn(t *testing.T) {
	for endpoint, good := range map[string]bool{"127.0.0.1:1": true, ":8128": true, "[::1]:1": true, "http://a:1": false, "0.0.0.0": false, "::1": false, "a:": false, "0.0.0.0:8128/v1/events": false} {
		require.Equal(t, good, CheckListenAddress("tcp", endpoint) == nil, endpoint)
	}
	require.NoError(t, CheckListenAddress("unix", "/run/x.sock"))
}
