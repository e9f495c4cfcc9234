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
	"github.com/otel-sessionlog/sessionlog/receiver/source/cloudwatch"
	"github.com/otel-sessionlog/sessionlog/receiver/source/file"
	httpsource "github.com/otel-sessionlog/sessionlog/receiver/source/http"
	"github.com/otel-sessionlog/sessionlog/receiver/source/journald"
	"github.com/otel-sessionlog/sessionlog/receiver/source/postgresql"
	"github.com/otel-sessionlog/sessionlog/receiver/source/redshift"
	"github.com/otel-sessionlog/sessionlog/receiver/source/s3"
)

func (c *Config) sourceBlocks() []sourceBlock {
	return []sourceBlock{
		newSourceBlock("clickhouse", &c.ClickHouse, clickhouse.New),
		newSourceBlock("cloudwatch", &c.CloudWatch, cloudwatch.New),
		newSourceBlock("file", &c.File, file.New),
		newSourceBlock("http", &c.HTTP, httpsource.New),
		newSourceBlock("journald", &c.Journald, journald.New),
		newSourceBlock("postgresql", &c.PostgreSQL, postgresql.New),
		newSourceBlock("redshift", &c.Redshift, redshift.New),
		newSourceBlock("s3", &c.S3, s3.New),
	}
}

type sourceBlock struct {
	key             string
	written         bool
	defaultInstance func() string
	check           func(ctx context.Context) []connectcheck.Finding
	build           func(instance string, set component.TelemetrySettings) (source.Source, error)
}

func newSourceBlock[C interface{ DefaultInstance() string }](
	key string, config *configoptional.Optional[C], build func(C, string, component.TelemetrySettings) (source.Source, error),
) sourceBlock {
	return sourceBlock{
		check: func(ctx context.Context) []connectcheck.Finding {
			return connectcheck.CheckBlock(ctx, key, *config.Get())
		},
		key:             key,
		written:         config.HasValue(),
		defaultInstance: func() string { return (*config.Get()).DefaultInstance() },
		build: func(instance string, set component.TelemetrySettings) (source.Source, error) {
			return build(*config.Get(), instance, set)
		},
	}
}

// CheckConnection implements [connectcheck.Checker] by the source's block, and tries the folder of dead letters where it is named.
func (c *Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	b, err := c.selectedSource()
	if err != nil {
		return []connectcheck.Finding{{Subject: "source", Detail: err.Error()}}
	}
	findings := b.check(ctx)
	if dir := c.DeadLetter.Directory; dir != "" && c.OnRefused != RefusedStop {
		findings = append(findings, connectcheck.CheckFolder("dead letter", "dead_letter::directory", dir))
	}
	return findings
}

func (c *Config) selectedSource() (sourceBlock, error) {
	var known, written []string
	var chosen sourceBlock
	for _, b := range c.sourceBlocks() {
		known = append(known, b.key)
		if b.written {
			written = append(written, b.key)
			chosen = b
		}
	}
	switch len(written) {
	case 0:
		return sourceBlock{}, fmt.Errorf("no source to read: write one of the blocks %s", strings.Join(known, ", "))
	case 1:
		return chosen, nil
	}
	return sourceBlock{}, errors.New(strings.Join(written, " and ") + " are both written, but a receiver reads one source: " +
		"give each a receiver of its own, such as sessionlog/" + written[1])
}
