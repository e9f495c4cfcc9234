package s3

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// However many objects a prefix has, what is remembered of them is bounded; the newest stay known.
func TestWhatIsRememberedOfAPrefixIsBounded(t *testing.T) {
	p := &objectPrefix{name: "p/"}
	p.beginListing(time.Now(), time.Hour)
	object := func(i int) *objectInfo {
		return &objectInfo{key: fmt.Sprint("p/", i), etag: "e", size: 1, modified: int64(i)}
	}
	const many = 3 * maxSeenObjects
	for i := range many {
		p.noteRead(object(i))
	}
	require.LessOrEqual(t, p.seen.Len(), maxSeenObjects)
	require.Less(t, len(p.encodeState()), 1<<19)
	require.Positive(t, p.seenFrom)
	for i := many - maxSeenObjects/2 + 1; i < many; i++ {
		require.False(t, p.isUnread(object(i)))
	}
	for i := many; p.seen.Len() <= maxSeenObjects/4*3; i++ {
		p.noteRead(object(i))
	}
	p.beginListing(time.Now(), time.Hour)
	require.True(t, p.listing.Whole, "which lets go of what is older than the overlap")
}
