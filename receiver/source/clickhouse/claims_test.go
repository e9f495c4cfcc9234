package clickhouse

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/cluster"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/rows"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
)

// Servers that were cloned with their data keep the state that they began with, whichever of them answers first after a restart.
func TestClonedServersKeepTheirState(t *testing.T) {
	const uuid = "01234567-89ab-4def-8123-456789abcdef"
	store := &sourcetest.Store{}
	take := func(hostnames ...string) (stateIDs []string) {
		c := cluster.NewClaims(store)
		for _, h := range hostnames {
			claim, taken, err := c.Take(t.Context(), rows.Identity{UUID: uuid, Hostname: h})
			require.NoError(t, err)
			require.Nil(t, taken)
			stateIDs = append(stateIDs, claim.StateID)
		}
		return stateIDs
	}
	require.Equal(t, []string{uuid}, take("a"))
	require.Equal(t, []string{uuid, uuid + "@b"}, take("a", "b"))
	require.Equal(t, []string{uuid + "@b", uuid}, take("b", "a"))
}

// A server that has two names is read once; when that ends, the other name may have it.
func TestAServerIsClaimedOnce(t *testing.T) {
	c := cluster.NewClaims(&sourcetest.Store{})
	id := rows.Identity{UUID: "01234567-89ab-4def-8123-456789abcdef", Hostname: "a"}
	first, _, err := c.Take(t.Context(), id)
	require.NoError(t, err)
	second, taken, err := c.Take(t.Context(), id)
	require.NoError(t, err)
	require.Nil(t, second)
	first.Release()
	<-taken
	second, _, err = c.Take(t.Context(), id)
	require.NoError(t, err)
	require.NotNil(t, second)
}
