package push

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTheShortWayOfClocksIsThatOfPackageTime: on any text that it takes, and it takes every usual one.
func TestTheShortWayOfClocksIsThatOfPackageTime(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		text := []byte(time.Unix(earliestSecond+dice.Int64N(latestSecond-earliestSecond), dice.Int64N(1e9)).UTC().Format([]string{time.RFC3339, time.RFC3339Nano}[dice.IntN(2)]))
		nanos, ok := parseUTCTimeQuickly(string(text))
		require.True(t, ok, "%s", text)
		at, err := time.Parse(time.RFC3339Nano, string(text))
		require.NoError(t, err)
		require.Equal(t, at.UnixNano(), nanos, "%s", text)
		text[dice.IntN(len(text))] = "0123456789-:TZ., +"[dice.IntN(18)]
		if nanos, ok = parseUTCTimeQuickly(string(text)); ok {
			at, err = time.Parse(time.RFC3339Nano, string(text))
			require.NoError(t, err, "%s", text)
			require.Equal(t, at.UnixNano(), nanos, "%s", text)
		}
	}
}
