package sessionlogshapeprocessor

import (
	"fmt"

	"go.opentelemetry.io/collector/confmap"

	"github.com/otel-sessionlog/sessionlog/internal/shape"
	"github.com/otel-sessionlog/sessionlog/internal/strictconfig"
)

// What [Config.LeftOut] may say.
const (
	LeftOutDrop = "drop"
	LeftOutKeep = "keep"
)

// Config of the processor.
type Config struct {
	// Format is ocsf, ecs, cim, cef or flat.
	Format string `mapstructure:"format"`
	// Kinds are the events that become documents; empty: those of which the format has a notion.
	Kinds []string `mapstructure:"kinds"`
	// LeftOut says what happens to events of other kinds: drop, or keep, which passes them as they are.
	LeftOut string `mapstructure:"left_out"`
	// Vendor and Product are in the header of CEF.
	Vendor  string `mapstructure:"vendor"`
	Product string `mapstructure:"product"`
	// Dataset is event.dataset of ECS.
	Dataset string `mapstructure:"dataset"`
	// prevent unkeyed literal initialization
	_ struct{}
}

// Unmarshal refuses durations without a unit, and explains unknown keys.
func (c *Config) Unmarshal(conf *confmap.Conf) error { return strictconfig.Unmarshal(conf, c) }

// Validate names the key and the remedy.
func (c *Config) Validate() error {
	if c.LeftOut != LeftOutDrop && c.LeftOut != LeftOutKeep {
		return fmt.Errorf("left_out: %q is neither %s nor %s", c.LeftOut, LeftOutDrop, LeftOutKeep)
	}
	return shape.CheckOptions(shape.Format(c.Format), c.shapeOptions(""))
}

func (c *Config) shapeOptions(version string) shape.Options {
	return shape.Options{Kinds: c.Kinds, Vendor: c.Vendor, Product: c.Product, Dataset: c.Dataset, Version: version}
}
