//go:build unix

package port

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

func TestNobodyElseGetsTheReservedPort(t *testing.T) {
	r, err := Reserve(t.Context(), loopback)
	require.NoError(t, err)
	require.NotZero(t, r.Addr().Port())

	_, err = net.Listen("tcp", r.Addr().String())
	require.Error(t, err, "a plain listener took the reserved port")

	again, err := Reserve(t.Context(), r.Addr())
	require.NoError(t, err, "the launcher could not bind beside the test's reservation")
	require.NoError(t, again.Close())

	require.NoError(t, r.Close())
	l, err := net.Listen("tcp", r.Addr().String())
	require.NoError(t, err, "the port was not given back")
	require.NoError(t, l.Close())
}

func TestConnectionsAreRefusedWhileNobodyListens(t *testing.T) {
	r, err := Reserve(t.Context(), loopback)
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	_, err = net.Dial("tcp", r.Addr().String())
	require.ErrorContains(t, err, "refused")
}

func TestAPortInUseIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", loopback.String())
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	_, err = Reserve(t.Context(), netip.MustParseAddrPort(l.Addr().String()))
	require.ErrorContains(t, err, l.Addr().String()+" is in use")
}

func TestAWeaklyReservedPortIsLeftToWhoeverNamesIt(t *testing.T) {
	r, err := ReserveWeakly(t.Context(), loopback)
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	for range 200 {
		l, err := net.Listen("tcp", loopback.String())
		require.NoError(t, err)
		require.NotEqual(t, r.Addr().String(), l.Addr().String(), "the kernel gave the port away")
		defer func() { require.NoError(t, l.Close()) }()
	}
	for range 2 { // a server's start and restart
		l, err := net.Listen("tcp", r.Addr().String()) // Go sets SO_REUSEADDR, as PostgreSQL does
		require.NoError(t, err)
		require.NoError(t, l.Close())
	}
}
