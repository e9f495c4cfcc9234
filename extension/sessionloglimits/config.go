package sessionloglimits

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otel-sessionlog/sessionlog/extension/sessionloglimits/internal/otlpsize"
	"github.com/otel-sessionlog/sessionlog/internal/strictconfig"
)

// Config of the extension. Each limit is for one request, after decompression and before it is decoded.
type Config struct {
	// MaxRecords is how many log records, spans and data points a request may hold, with the resources and scopes around them.
	MaxRecords int64 `mapstructure:"max_records"`
	// MaxAttributes is how many attributes all of them may have together, values within values included.
	MaxAttributes int64 `mapstructure:"max_attributes"`
	// MaxUnpackedBytes is how long a request may be once it is decompressed.
	MaxUnpackedBytes int64 `mapstructure:"max_unpacked_bytes"`
}

func defaultConfig() component.Config {
	// MaxRecords is twelve times the batch of 8,192 records that exporters send by default.
	return &Config{MaxRecords: 100_000, MaxAttributes: 1_000_000, MaxUnpackedBytes: 16 << 20}
}

// Unmarshal refuses durations without a unit, and explains unknown keys.
func (c *Config) Unmarshal(conf *confmap.Conf) error { return strictconfig.Unmarshal(conf, c) }

// Validate names the key and the remedy.
func (c *Config) Validate() error {
	var errs []error
	for _, limit := range []struct {
		key   string
		value int64
	}{{"max_records", c.MaxRecords}, {"max_attributes", c.MaxAttributes}, {"max_unpacked_bytes", c.MaxUnpackedBytes}} {
		if limit.value < 1 {
			errs = append(errs, fmt.Errorf("%s: %d: give 1 or more", limit.key, limit.value))
		}
	}
	return errors.Join(errs...)
}

func (c *Config) sizeLimits() otlpsize.Limits {
	return otlpsize.Limits{Records: c.MaxRecords, Attributes: c.MaxAttributes, Bytes: c.MaxUnpackedBytes}
}

func (c *Config) explainLimit(id component.ID, err error) error {
	var key string
	var value int64
	switch {
	case errors.Is(err, otlpsize.ErrRecords):
		key, value = "max_records", c.MaxRecords
	case errors.Is(err, otlpsize.ErrAttributes):
		key, value = "max_attributes", c.MaxAttributes
	case errors.Is(err, otlpsize.ErrBytes):
		key, value = "max_unpacked_bytes", c.MaxUnpackedBytes
	default:
		return err
	}
	return fmt.Errorf("the request is more than %s::%s (%d) allows: %w; send smaller batches, or raise the limit in the collector's configuration",
		id, key, value, err)
}
