package sessionlog

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/log/noop"

	"github.com/otel-sessionlog/sessionlog/session"
)

// TestIDsDoNotHangOnTheClock: set back, or standing still, it gives no two events one id.
func TestIDsDoNotHangOnTheClock(t *testing.T) {
	seen := map[session.ID]bool{}
	clock := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for range 3 { // three processes that began at the same moment
		l := NewLogger(noop.NewLoggerProvider())
		for _, jump := range []time.Duration{0, 0, time.Hour, -time.Hour, 0, -100 * 365 * 24 * time.Hour} {
			l.now = func() time.Time { return clock.Add(jump) }
			var e session.Event
			l.completeEvent(&e)
			require.False(t, seen[e.RecordID])
			seen[e.RecordID] = true
			require.Equal(t, clock.Add(jump).UnixNano(), e.Time, "the time told is the clock's own")
		}
	}
}

func TestKeysHangOnNamespaceAndSessionAlone(t *testing.T) {
	shop, other := newIDGenerator("shop"), newIDGenerator("other")
	again := newIDGenerator("shop")
	require.Equal(t, shop.sessionKey("4711"), again.sessionKey("4711"), "another process of the same application")
	require.NotEqual(t, shop.sessionKey("4711"), other.sessionKey("4711"))
	require.NotEqual(t, shop.sessionKey("4711"), shop.sessionKey("4712"))
	// What package plogs gives a record of service.name shop without service.instance.id.
	var h session.Hasher
	require.Equal(t, h.Start("session", "shop", "").Str("4711").Key(), shop.sessionKey("4711"))
}

func TestTheNamespaceIsTheServiceNameOfTheEnvironment(t *testing.T) {
	t.Setenv("OTEL_SERVICE_NAME", "shop")
	require.Equal(t, "shop", NewLogger(nil).idGenerator.namespace)
	require.Equal(t, "other", NewLogger(nil, Namespace("other")).idGenerator.namespace)
}

// TestItNeedsTheLogsAPIOnly: whoever only tells of logins carries neither the SDK nor the collector's data model.
func TestItNeedsTheLogsAPIOnly(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").CombinedOutput()
	require.NoError(t, err, string(out))
	for dep := range strings.Lines(string(out)) {
		require.NotContains(t, dep, "go.opentelemetry.io/otel/sdk")
		require.NotContains(t, dep, "go.opentelemetry.io/collector")
		require.NotContains(t, dep, "grpc")
	}
	require.Contains(t, string(out), "go.opentelemetry.io/otel/log\n")
}
