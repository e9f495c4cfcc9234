package sessionlogexporter

import (
	"context"
	"fmt"

	"github.com/otel-sessionlog/sessionlog/query"
)

// OpenQueryStore opens the backend to be asked; nothing is created, and nothing written. The key of the backend's block stands before its errors.
func (c *Config) OpenQueryStore(ctx context.Context) (query.Store, error) {
	chosen, err := chooseBackend(knownBackends, c)
	if err != nil {
		return nil, err
	}
	store, err := chosen.openQueryStore(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", chosen.key, err)
	}
	return store, nil
}
