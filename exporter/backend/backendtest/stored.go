package backendtest

import (
	"context"
	"iter"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// StoredEvents reads every event of a backend in the order of a column, each once, as of one moment, while others write. An event is valid until
// the next one; its strings may be kept. An error is the last that is yielded.
func StoredEvents[Config any](ctx context.Context, open func(context.Context, Config) (query.Store, error), cfg Config, order string) iter.Seq2[*session.Event, error] {
	return func(yield func(*session.Event, error) bool) {
		s, err := open(ctx, cfg)
		if err != nil {
			yield(nil, err)
			return
		}
		defer func() { _ = s.Close() }()
		s.Events(ctx, s.Table(), " ORDER BY "+order)(yield)
	}
}
