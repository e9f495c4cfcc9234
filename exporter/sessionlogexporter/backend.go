package sessionlogexporter

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sealing"
	"github.com/otel-sessionlog/sessionlog/exporter/backendblocks"
	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session/deadletter"
)

func (c *Config) chooseBackend() (backendblocks.Backend, error) {
	return backendblocks.Blocks{SQLite: c.SQLite, ClickHouse: c.ClickHouse, PostgreSQL: c.PostgreSQL}.Choose("an exporter", Type.String())
}

func (c *Config) openUnsealed(set component.TelemetrySettings) (chosen backendblocks.Backend, store backend.Backend, err error) {
	if chosen, err = c.chooseBackend(); err == nil {
		store, err = chosen.Open(set)
	}
	return chosen, store, err
}

// openBackend makes the backend, which seals what it stores where that is configured.
func (c *Config) openBackend(set exporter.Settings) (backend.Backend, error) {
	counts, err := newSealTelemetry(set)
	if err != nil {
		return nil, err
	}
	chosen, store, err := c.openUnsealed(set.TelemetrySettings)
	if err != nil || !c.Seal.HasValue() {
		return store, err
	}
	return sealing.New(store, *c.Seal.Get(), chosen.TTL, chosen.OpenQueryStore, set.Logger, counts)
}

// NewAdoption seals records that were found in the backend; Seal has a value.
func (c *Config) NewAdoption(set component.TelemetrySettings) (*sealing.Adoption, error) {
	chosen, store, err := c.openUnsealed(set)
	if err != nil {
		return nil, err
	}
	return sealing.NewAdoption(store, *c.Seal.Get(), chosen.TTL)
}

// OpenErasure opens the backend to erase from it, and the log that says so, which is nil where nothing is sealed.
func (c *Config) OpenErasure(set component.TelemetrySettings) (backend.SealedBackend, *sealing.ErasureLog, error) {
	_, store, err := c.openUnsealed(set)
	if err != nil {
		return nil, nil, err
	}
	erasing, ok := store.(backend.SealedBackend)
	if !ok || !c.Seal.HasValue() {
		return erasing, nil, nil
	}
	log, err := sealing.OpenErasureLog(store, *c.Seal.Get())
	return erasing, log, err
}

// OpenLossLog opens the log that says what the backend has lost; Seal has a value.
func (c *Config) OpenLossLog(set component.TelemetrySettings) (*sealing.LossLog, error) {
	_, store, err := c.openUnsealed(set)
	if err != nil {
		return nil, err
	}
	return sealing.OpenLossLog(store, *c.Seal.Get())
}

// DeadLetterDirectories are where the dead letter may be.
func (c *Config) DeadLetterDirectories() []string {
	if dir := c.deadLetterDirectory(); dir != "" {
		return []string{dir}
	}
	return deadletter.DefaultDirectories()
}

// OpenQueryStore opens the backend to be asked; nothing is created, and nothing written. The key of the backend's block precedes its errors.
func (c *Config) OpenQueryStore(ctx context.Context) (query.Store, error) {
	chosen, err := c.chooseBackend()
	if err != nil {
		return nil, err
	}
	return chosen.OpenQueryStore(ctx)
}

// CheckConnection tries the backend, the folders and the key that signs.
func (c *Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	chosen, err := c.chooseBackend()
	if err != nil {
		return []connectcheck.Finding{{Subject: "backend", Detail: err.Error()}}
	}
	findings := chosen.CheckConnection(ctx)
	if dir := c.deadLetterDirectory(); dir != "" {
		findings = append(findings, connectcheck.CheckFolder("dead letter", "dead_letter::directory", dir))
	}
	if c.Seal.HasValue() {
		findings = append(findings, c.Seal.Get().CheckConnection(ctx)...)
	}
	return findings
}
