package delivery

import (
	"context"

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// LoadUntilDone calls load until it succeeds, since without what is stored everything would be delivered again. It reports whether that
// came before ctx ended.
func LoadUntilDone(ctx context.Context, host source.Host, status *Status, load func(context.Context) error) bool {
	conditions, pauses := conditionlog.New(host.Log, host.Now), source.NewBackOff()
	for ctx.Err() == nil {
		err := load(ctx)
		if ctx.Err() != nil {
			break
		}
		status.Set("storage", err)
		if err == nil {
			conditions.Clear("load", "what was delivered before is known again")
			return true
		}
		conditions.RaiseReason("load", err, "what was delivered before cannot be read from the storage, so nothing is read yet: trying again")
		source.Wait(ctx, pauses.NextBackOff())
	}
	return false
}
