package retention

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestALimitOfFractionsIsInForceOnce(t *testing.T) {
	for _, c := range []struct {
		ttl, inForce time.Duration
		shortens     bool
	}{
		{0, 0, false},
		{0, time.Hour, false},
		{time.Hour, 0, true},
		{time.Hour, 2 * time.Hour, true},
		{2 * time.Hour, time.Hour, false},
		{90*time.Second + 500*time.Millisecond, 91 * time.Second, false}, // as the tables remember it
		{90*time.Second + 500*time.Millisecond, 92 * time.Second, true},
	} {
		require.Equal(t, c.shortens, TTLChange{TTL: c.ttl, InForce: c.inForce}.Shortens(), "%v beside %v", c.ttl, c.inForce)
	}
}
