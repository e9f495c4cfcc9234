package sessionlogreceiver

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse"
	"github.com/otel-sessionlog/sessionlog/receiver/source/file"
	httpsource "github.com/otel-sessionlog/sessionlog/receiver/source/http"
	"github.com/otel-sessionlog/sessionlog/receiver/source/journald"
	"github.com/otel-sessionlog/sessionlog/receiver/source/postgresql"
	"github.com/otel-sessionlog/sessionlog/receiver/source/redshift"
)

// blocks is everything that this receiver can read. A new source is one line here and one field in Config.
func (c *Config) blocks() []block {
	return []block{
		newBlock("clickhouse", &c.ClickHouse, clickhouse.New),
		newBlock("file", &c.File, file.New),
		newBlock("http", &c.HTTP, httpsource.New),
		newBlock("journald", &c.Journald, journald.New),
		newBlock("postgresql", &c.PostgreSQL, postgresql.New),
		newBlock("redshift", &c.Redshift, redshift.New),
	}
}

// block is one source block of the configuration.
type block struct {
	key             string
	written         bool
	defaultInstance func() string
	check           func(ctx context.Context) []connectcheck.Finding
	build           func(instance string, set component.TelemetrySettings) (source.Source, error)
}

func newBlock[C interface{ DefaultInstance() string }](
	key string, config *configoptional.Optional[C], build func(C, string, component.TelemetrySettings) (source.Source, error),
) block {
	return block{
		check:           func(ctx context.Context) []connectcheck.Finding { return connectcheck.Below(ctx, key, *config.Get()) },
		key:             key,
		written:         config.HasValue(),
		defaultInstance: func() string { return (*config.Get()).DefaultInstance() },
		build: func(instance string, set component.TelemetrySettings) (source.Source, error) {
			return build(*config.Get(), instance, set)
		},
	}
}

// CheckConnection is part of [connectcheck.Checker]: what the source's block finds.
func (c *Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	b, err := c.source()
	if err != nil {
		return []connectcheck.Finding{{Subject: "source", Detail: err.Error()}}
	}
	return b.check(ctx)
}

// source is the one block that is written.
func (c *Config) source() (block, error) {
	var known, written []string
	var chosen block
	for _, b := range c.blocks() {
		known = append(known, b.key)
		if b.written {
			written = append(written, b.key)
			chosen = b
		}
	}
	switch len(written) {
	case 0:
		return block{}, fmt.Errorf("no source to read: write one of the blocks %s", strings.Join(known, ", "))
	case 1:
		return chosen, nil
	}
	return block{}, errors.New(strings.Join(written, " and ") + " are both written, but a receiver reads one source: " +
		"give each a receiver of its own, such as sessionlog/" + written[1])
}
