package httpsource

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckConnection(t *testing.T) {
	free := freeAddress(t)
	findings := loadConfig(t, map[string]any{"endpoint": free}).CheckConnection(t.Context())
	require.Len(t, findings, 1)
	require.True(t, findings[0].OK, findings[0].Detail)

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	findings = loadConfig(t, map[string]any{
		"endpoint": taken.Addr().String(), "auth": map[string]any{"authenticator": "bearertokenauth"},
		"tls": map[string]any{"cert_file": "/nowhere/tls.crt", "key_file": "/nowhere/tls.key"},
	}).CheckConnection(t.Context())
	require.Len(t, findings, 3)
	require.False(t, findings[0].OK)
	require.Contains(t, findings[0].Detail, "address already in use")
	require.Equal(t, "http::endpoint", findings[0].Key)
	require.False(t, findings[1].OK)
	require.Equal(t, "http::tls", findings[1].Key)
	require.True(t, findings[2].OK)
	require.Contains(t, findings[2].Detail, "not tried: whether bearertokenauth")

	open := loadConfig(t, map[string]any{"endpoint": "0.0.0.0:0"}).CheckConnection(t.Context())
	require.False(t, open[len(open)-1].OK)
	require.Contains(t, open[len(open)-1].Detail, "anybody who reaches it may write logins")
}
