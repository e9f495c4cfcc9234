package sealing

import (
	"context"
	"fmt"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
)

// checkTail notices that the log has lost seals since this was called last: an insert does not look at what is before it.
func (b *Backend) checkTail(ctx context.Context) {
	from, want := b.tailFrom, b.state.Tip.Size
	store, err := b.openStore(ctx)
	if err != nil {
		return // of which writing tells more
	}
	defer func() { _ = store.Close() }()
	for try := 0; ; try++ { // a replica may not have all yet
		pages, err := sealquery.PagesFrom(ctx, store, b.state.Log, from)
		if err != nil {
			return
		}
		if from+pages >= want {
			b.tailFrom = b.lastFirst
			return
		}
		if try == laggingTries {
			break
		}
		time.Sleep(laggingWait)
	}
	b.tailFrom = want
	b.alarm(ctx, "the table has lost seals of this log while the collector runs: somebody has removed rows of session_seals, or brought back an older copy; records that were sealed there are gone, or can be changed unseen",
		fmt.Errorf("pages from %d to %d are not all there", from, want-1))
}
