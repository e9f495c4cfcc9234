package findings

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDurationsInSentences(t *testing.T) {
	for text, d := range map[string]time.Duration{
		"one second": 0, "2 seconds": 1100 * time.Millisecond, "61 seconds": 61 * time.Second, "one minute": time.Minute, "7 minutes": 6*time.Minute + 53*time.Second,
		"10 minutes": 10 * time.Minute, "one hour": time.Hour, "90 minutes": 90 * time.Minute, "36 hours": 36 * time.Hour, "90 days": 90 * oneDay,
	} {
		require.Equal(t, text, durationText(d))
	}
	for _, q := range DefaultQuestions {
		require.Less(t, len(q.Explanation), 200, q.Name)
	}
}
