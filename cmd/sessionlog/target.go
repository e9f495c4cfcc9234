package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/pdata/pcommon"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/postgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/exporter/sessionlogexporter"
	"github.com/otel-sessionlog/sessionlog/query"
)

// storeTarget is what the flags say of where the logins are.
type storeTarget struct {
	configs  []string
	exporter string

	sqlite, postgresql, clickhouse string
}

func addTargetFlags(root *cobra.Command) *storeTarget {
	t := &storeTarget{}
	flags := root.PersistentFlags()
	flags.StringArrayVar(&t.configs, "config", nil, "the collector's configuration `FILE`, several in the order of merging")
	flags.StringVar(&t.exporter, "exporter", "", "which exporter of the configuration (`ID`), as sessionlog/archive")
	flags.StringVar(&t.sqlite, "sqlite", "", "a database `FILE` of SQLite")
	flags.StringVar(&t.postgresql, "postgresql", "", "a PostgreSQL server's `URL`, as postgresql://audit@db.example.net/logins (password: variable PGPASSWORD)")
	flags.StringVar(&t.clickhouse, "clickhouse", "", "a ClickHouse server's `URL`, as clickhouse://audit@ch.example.net/logins (password: variable CLICKHOUSE_PASSWORD)")
	root.MarkFlagsMutuallyExclusive("config", "sqlite", "postgresql", "clickhouse")
	_ = root.RegisterFlagCompletionFunc("exporter", t.completeNames(exportersSection, exporterType))
	return t
}

// completeNames completes the names of the configuration's components of a type.
func (t *storeTarget) completeNames(section string, of component.Type) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		config, err := readCollectorConfig(cmd.Context(), t.configs)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return config.namesOf(section, of), cobra.ShellCompDirectiveNoFileComp
	}
}

func (t *storeTarget) openStore(ctx context.Context, variable func(string) string) (query.Store, error) {
	cfg, name, err := t.exporterConfig(ctx, variable)
	if err != nil {
		return nil, err
	}
	if file := cfg.SQLite.Get(); file != nil && !cfg.ClickHouse.HasValue() && !cfg.PostgreSQL.HasValue() {
		switch info, err := os.Stat(file.Path); {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("%s: there is no file %s: a relative path is one of the folder in which this command runs", name, file.Path)
		case err == nil && info.IsDir():
			return nil, fmt.Errorf("%s: %s is a folder: name the file in it", name, file.Path)
		}
	}
	store, err := cfg.OpenQueryStore(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return store, nil
}

// sealedExporter is the configuration of an exporter that seals.
func (t *storeTarget) sealedExporter(ctx context.Context, variable func(string) string) (*sessionlogexporter.Config, error) {
	cfg, name, err := t.exporterConfig(ctx, variable)
	if err == nil && !cfg.Seal.HasValue() {
		err = usageErrorf("%s has no seal: name with --config the configuration whose exporter seals", name)
	}
	return cfg, err
}

// exporterConfig is that of the exporter whose backend is meant, and what it is called in errors.
func (t *storeTarget) exporterConfig(ctx context.Context, variable func(string) string) (cfg *sessionlogexporter.Config, name string, err error) {
	if len(t.configs) > 0 {
		config, err := readCollectorConfig(ctx, t.configs)
		if err != nil {
			return nil, "", err
		}
		id, err := config.chooseExporter(t.exporter)
		if err != nil {
			return nil, "", err
		}
		cfg, err := config.exporterConfig(id)
		return cfg, exportersSection + "::" + id, err
	}
	if t.exporter != "" {
		return nil, "", usageErrorf("--exporter %s is one of a configuration: name it with --config", t.exporter)
	}
	return t.configFromFlags(variable)
}

func (t *storeTarget) configFromFlags(variable func(string) string) (cfg *sessionlogexporter.Config, name string, err error) {
	cfg = sessionlogexporter.NewFactory().CreateDefaultConfig().(*sessionlogexporter.Config)
	switch {
	case t.sqlite != "":
		name = "--sqlite"
		file := sqlite.DefaultConfig()
		file.Path = t.sqlite
		cfg.SQLite = configoptional.Some(file)
	case t.postgresql != "":
		var server postgresql.Config
		name = "--postgresql"
		server, err = postgresqlFromURL(t.postgresql, variable)
		cfg.PostgreSQL = configoptional.Some(server)
	case t.clickhouse != "":
		var server clickhouse.Config
		name = "--clickhouse"
		server, err = clickhouseFromURL(t.clickhouse, variable)
		cfg.ClickHouse = configoptional.Some(server)
	default:
		return nil, "", usageErrorf("where are the logins? Name the collector's configuration with --config, or a store with --sqlite, --postgresql or --clickhouse")
	}
	if err == nil {
		err = confmap.Validate(cfg)
	}
	if err != nil {
		return nil, "", usageErrorf("%s: %s", name, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return cfg, name, nil
}

func silentTelemetry() component.TelemetrySettings {
	return component.TelemetrySettings{Logger: zap.NewNop(), TracerProvider: tracenoop.NewTracerProvider(), MeterProvider: metricnoop.NewMeterProvider(), Resource: pcommon.NewResource()}
}
