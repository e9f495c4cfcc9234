package sessionlogexporter

import (
	"context"

	"github.com/otel-sessionlog/sessionlog/exporter/backendblocks"
	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/query"
)

func (c *Config) chooseBackend() (backendblocks.Backend, error) {
	return backendblocks.Blocks{SQLite: c.SQLite, ClickHouse: c.ClickHouse, PostgreSQL: c.PostgreSQL}.Choose("an exporter", Type.String())
}

// OpenQueryStore opens the backend to be asked; nothing is created, and nothing written. The key of the backend's block stands before its errors.
func (c *Config) OpenQueryStore(ctx context.Context) (query.Store, error) {
	chosen, err := c.chooseBackend()
	if err != nil {
		return nil, err
	}
	return chosen.OpenQueryStore(ctx)
}

// CheckConnection tries the backend.
func (c *Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	chosen, err := c.chooseBackend()
	if err != nil {
		return []connectcheck.Finding{{Subject: "backend", Detail: err.Error()}}
	}
	return chosen.CheckConnection(ctx)
}
