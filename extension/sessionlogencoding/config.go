package sessionlogencoding

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/collector/confmap"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/shape"
	"github.com/otel-sessionlog/sessionlog/internal/strictconfig"
)

const formatAuto = "auto"

// What [Config.Envelope] may say.
const (
	EnvelopeNone       = "none"
	EnvelopeCloudWatch = "cloudwatch"
)

// Config of the extension.
type Config struct {
	// Instance is the stable name of the server whose log this is: part of every record's id.
	Instance string `mapstructure:"instance"`
	// Format is `auto`, which detects it for each buffer, or a format by its vendor's name: connectionlog, jsonlog, sshd.
	Format string `mapstructure:"format"`
	// Timezone is the IANA name of the zone of times that carry none.
	Timezone string `mapstructure:"timezone"`
	// LogLinePrefix is PostgreSQL's setting of that name, for its stderr format; empty tries those that servers come with.
	LogLinePrefix string `mapstructure:"log_line_prefix"`
	// Envelope is what the log's lines are wrapped in: none, or cloudwatch for what a subscription filter of CloudWatch Logs
	// sends.
	Envelope string `mapstructure:"envelope"`
	// Shape lets exporters encode events: ocsf, ecs, cim, cef or flat. Empty: the extension only decodes.
	Shape string `mapstructure:"shape"`
	// Kinds are the events that are encoded; empty: those of which the shape has a notion.
	Kinds []string `mapstructure:"kinds"`
}

// Unmarshal refuses durations without a unit, and explains unknown keys.
func (c *Config) Unmarshal(conf *confmap.Conf) error { return strictconfig.Unmarshal(conf, c) }

// Validate names the key and the remedy.
func (c *Config) Validate() error {
	var errs []error
	if c.Shape != "" {
		errs = append(errs, c.validateShape())
	}
	if c.Instance == "" && c.Shape == "" {
		errs = append(errs, errors.New("instance: required: write a stable name of the server whose log is decoded, it is part of every record's id"))
	}
	if _, ok := logformat.FindFormat(formats.All(), c.Format); !ok && c.Format != formatAuto {
		errs = append(errs, fmt.Errorf("format: %q is not known: write auto or one of %s", c.Format, formats.Names()))
	}
	if _, err := c.loadTimezone(); err != nil {
		errs = append(errs, err)
	}
	if err := formats.CheckLinePrefix(c.LogLinePrefix); err != nil {
		errs = append(errs, err)
	}
	if c.Envelope != EnvelopeNone && c.Envelope != EnvelopeCloudWatch {
		errs = append(errs, fmt.Errorf("envelope: %q is neither %s nor %s", c.Envelope, EnvelopeNone, EnvelopeCloudWatch))
	}
	return errors.Join(errs...)
}

func (c *Config) decodesLogs() bool { return c.Instance != "" }

func (c *Config) validateShape() error {
	err := shape.CheckOptions(shape.Format(c.Shape), c.shapeOptions(""))
	if err != nil && strings.HasPrefix(err.Error(), "format:") {
		return fmt.Errorf("shape:%s", strings.TrimPrefix(err.Error(), "format:"))
	}
	return err
}

func (c *Config) shapeOptions(version string) shape.Options {
	return shape.Options{Kinds: c.Kinds, Version: version}
}

// loadTimezone is nil when none is configured. `Local` is refused: it is another zone on another machine.
func (c *Config) loadTimezone() (*time.Location, error) {
	if c.Timezone == "" {
		return nil, nil
	}
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil || strings.EqualFold(c.Timezone, "local") {
		return nil, fmt.Errorf("timezone: %q is not an IANA name: write the server's zone, for example UTC or Asia/Kolkata", c.Timezone)
	}
	return zone, nil
}
