// Package sessionlogconsoleexporter prints one readable line per authentication event: for a person at a terminal.
package sessionlogconsoleexporter

import (
	"context"
	"errors"
	"os"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/otel-sessionlog/sessionlog/internal/redaction"
	"github.com/otel-sessionlog/sessionlog/internal/strictconfig"
)

// Type is the component's name in a configuration.
var Type = component.MustNewType("sessionlog_console")

// Config is the exporter's configuration.
type Config struct {
	// Output is where the lines go: stdout or stderr.
	Output string `mapstructure:"output"`
	// Redact says what is hidden before anything is printed.
	Redact redaction.Config `mapstructure:"redact"`
	// prevent unkeyed literal initialization
	_ struct{}
}

// Unmarshal refuses durations without a unit, and explains unknown keys.
func (c *Config) Unmarshal(conf *confmap.Conf) error { return strictconfig.Unmarshal(conf, c) }

// Validate names the key and the remedy.
func (c *Config) Validate() error {
	if c.Output != "stdout" && c.Output != "stderr" {
		return errors.New("output: write stdout or stderr")
	}
	return nil
}

// NewFactory makes the factory.
func NewFactory() exporter.Factory {
	return exporter.NewFactory(Type, createDefaultConfig,
		exporter.WithLogs(newLogsExporter, component.StabilityLevelAlpha))
}

func createDefaultConfig() component.Config {
	return &Config{Output: "stdout", Redact: redaction.DefaultConfig()}
}

func newLogsExporter(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Logs, error) {
	file := os.Stdout
	config := cfg.(*Config)
	if config.Output == "stderr" {
		file = os.Stderr
	}
	p, err := newPrinter(set, config, file)
	if err != nil {
		return nil, err
	}
	return exporterhelper.NewLogs(ctx, set, cfg, p.pushLines, exporterhelper.WithShutdown(p.flushOutput))
}
