package erasure

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/session/deadletter"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// EraseDeadLetters removes what is chosen from dead letters, or only counts it.
func (c *Choice) EraseDeadLetters(ctx context.Context, directories []string, onlyCount bool) (letters int, err error) {
	decoder := plogs.NewDecoder()
	isChosen := func(ld plog.Logs) bool {
		for _, e := range decoder.All(ld) {
			if c.isOf(e) {
				return true
			}
		}
		return false
	}
	for _, dir := range directories {
		some, eraseErr := deadletter.Erase(ctx, dir, onlyCount, isChosen)
		letters, err = letters+some, errors.Join(err, eraseErr)
	}
	return letters, err
}
