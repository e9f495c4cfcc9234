package file

import (
	"context"
	"fmt"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/session"
)

// futureTime is how far ahead of this machine's clock a log's may be without a word.
const futureTime = 5 * time.Minute

func warnOfFuture(host source.Host, log parserConditions, timezone string) source.Emit {
	return func(ctx context.Context, batch []session.Event) error {
		var latest int64
		for i := range batch {
			latest = max(latest, batch[i].Time)
		}
		switch ahead := time.Unix(0, latest).Sub(host.Now()); {
		case len(batch) == 0:
		case ahead > futureTime:
			log.Raise("future", fmt.Sprintf("times of this log lie %s in the future: is key timezone (now %q) really the zone of the machine that wrote it, "+
				"as timedatectl names it (of PostgreSQL: SHOW log_timezone), and are both clocks right?", ahead.Round(time.Minute), timezone))
		default:
			log.Clear("future", "times of this log lie in the future no more")
		}
		// Delivered all the same: the clock that is wrong may be this machine's.
		return host.Emit(ctx, batch)
	}
}
