package cloudwatch

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSeenEventsAreBounded(t *testing.T) {
	var s seenEvents
	for i := range 1000 {
		require.True(t, s.addEvent(strconv.Itoa(i), int64(i/10)))
		require.False(t, s.addEvent(strconv.Itoa(i), int64(i/10)))
	}
	require.Equal(t, int64(20), s.forgetOldest(20, 1000), "what is older than the overlap")
	require.Len(t, s.times, 800)
	require.Equal(t, int64(51), s.forgetOldest(20, 495), "the oldest of too many, whole milliseconds")
	require.Len(t, s.times, 490)
	require.Equal(t, int64(99), s.forgetOldest(20, 5), "never the newest millisecond")
	require.Len(t, s.times, 10)

	again, err := decodeSeenEvents(s.encodeEvents())
	require.NoError(t, err)
	require.Equal(t, s.times, again.times)
	_, err = decodeSeenEvents(s.encodeEvents()[:12])
	require.ErrorIs(t, err, errSeenEvents)
}

func TestServerNames(t *testing.T) {
	for _, c := range [][3]string{
		{"/aws/rds/instance/orders/postgresql", "orders.0", "orders"},
		{"/aws/rds/cluster/shop/postgresql", "shop-1.0", "shop-1"},
		{"/aws/rds/cluster/shop/audit", "shop-1.audit.log.0.2026-11-28", "shop-1"},
		{"/aws/redshift/cluster/dwh/connectionlog", "x", "dwh"},
		{"/aws/redshift/analytics/connectionlog", "x", "analytics"},
		{"arn:aws:logs:eu-central-1:123456789012:log-group:/aws/rds/instance/orders/postgresql:*", "orders.0", "orders"},
		{"ours", "one", "ours:one"},
	} {
		require.Equal(t, "eu-central-1/"+c[2], serverName("eu-central-1", c[0], c[1]))
	}
}
