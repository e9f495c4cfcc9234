package session

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestALargeRecordHoldsNoMemory: every connection of every store has a hasher.
func TestALargeRecordHoldsNoMemory(t *testing.T) {
	large, small := Event{Kind: KindLogin, Original: strings.Repeat("x", 8<<20)}, Event{Kind: KindLogin}
	var h Hasher
	large.ContentHash(&h)
	require.LessOrEqual(t, cap(h.buf), maxIdleHasher)
	large.ContentID(&h)
	small.ContentID(&h)
	require.LessOrEqual(t, cap(h.buf), maxIdleHasher)
}
