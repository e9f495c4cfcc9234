package httpsource

import (
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
)

// TestMistakesThatOnlyAStartFinds: the start of the collector ends with them, and the port is free again.
func TestMistakesThatOnlyAStartFinds(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	free := freeAddress(t)
	for _, c := range []struct {
		message string
		values  map[string]any
	}{
		{"endpoint: listen tcp " + taken.Addr().String(), map[string]any{"endpoint": taken.Addr().String()}},
		{"endpoint: listen tcp: address 127.0.0.1: missing port", map[string]any{"endpoint": "127.0.0.1"}},
		{"failed to resolve authenticator \"nobody\"", map[string]any{"endpoint": free, "auth": map[string]any{"authenticator": "nobody"}}},
		{"tls: ", map[string]any{"endpoint": free, "tls": map[string]any{"cert_file": "/nowhere/tls.crt", "key_file": "/nowhere/tls.key"}}},
	} {
		src, err := New(loadConfig(t, c.values), "door", nopSettings())
		require.NoError(t, err)
		host := quietHost(t)
		host.Extensions = map[component.ID]component.Component{}
		require.ErrorContains(t, src.(source.Starter).Start(t.Context(), host), c.message)
		require.ErrorContains(t, src.Run(t.Context(), host), c.message)
	}
	listener, err := net.Listen("tcp", free)
	require.NoError(t, err)
	require.NoError(t, listener.Close())
}

func TestWarningsAtStart(t *testing.T) {
	tls := map[string]any{"cert_file": "a", "key_file": "b"}
	auth := map[string]any{"authenticator": "bearertokenauth"}
	signed := map[string]any{"octo": map[string]any{"signature": map[string]any{"style": "hmac_sha256", "secret": senderSecret}}}
	const anybody, cleartext = "anybody who reaches it may write logins: set http::auth", "cleartext: set http::tls"
	for _, c := range []struct {
		values map[string]any
		want   []string // parts of the one warning
	}{
		{map[string]any{"endpoint": "0.0.0.0:8128"}, []string{"http::endpoint: 0.0.0.0:8128 is open", anybody, cleartext}},
		{map[string]any{"endpoint": ":8128"}, []string{anybody, cleartext}},
		{map[string]any{"endpoint": "[::]:8128", "tls": tls}, []string{anybody}},
		{map[string]any{"endpoint": "db.example.net:8128", "auth": auth}, []string{cleartext}},
		{map[string]any{"endpoint": "192.0.2.7:8128", "auth": auth, "tls": tls}, nil},
		{map[string]any{"endpoint": "0.0.0.0:8128", "senders": signed, "tls": tls}, nil},
		{map[string]any{"endpoint": "0.0.0.0:8128", "senders": map[string]any{"octo": signed["octo"], "shop": map[string]any{}}, "tls": tls}, []string{anybody}},
		{map[string]any{"endpoint": "127.0.0.1:8128"}, nil},
		{map[string]any{"endpoint": "localhost:8128"}, nil},
		{map[string]any{"endpoint": "[::1]:8128"}, nil},
		{map[string]any{"endpoint": "/run/events.sock", "transport": "unix"}, nil},
	} {
		warnings := loadConfig(t, c.values).startWarnings("door", true)
		if c.want == nil {
			require.Empty(t, warnings, c.values)
			continue
		}
		require.Len(t, warnings, 1, c.values)
		for _, part := range []string{anybody, cleartext} {
			require.Equal(t, containsText(c.want, part), containsText(warnings, part), "%v: %s", c.values, part)
		}
		require.Contains(t, warnings[0], c.want[0])
	}
	require.Contains(t, loadConfig(t, nil).startWarnings("127.0.0.1:8128", false)[0], "instance is not set: the endpoint 127.0.0.1:8128 stands in for it")
}

func containsText(list []string, part string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.Contains(s, part) })
}

func TestWarningsAreLogged(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	host := sourcetest.Host(t, &sourcetest.Recorder{}, &sourcetest.Store{}, nil)
	host.Log, host.InstanceSet = zap.New(core), false
	startOnHost(t, nil, host)
	require.Equal(t, 1, logs.Len())
	require.Contains(t, logs.All()[0].Message, "instance is not set")
}
