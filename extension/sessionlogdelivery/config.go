package sessionlogdelivery

import (
	"fmt"
	"strings"

	"go.opentelemetry.io/collector/confmap"

	"github.com/otel-sessionlog/sessionlog/internal/strictconfig"
)

// What [Config.OnLoss] may say.
const (
	OnLossWarn   = "warn"
	OnLossRefuse = "refuse"
)

// Config of the extension.
type Config struct {
	// OnLoss says what happens when something in a pipeline can lose events: warn (default) logs one line for each such
	// setting, refuse lets the collector not start.
	OnLoss string `mapstructure:"on_loss"`

	// Acknowledge lists components, as written in the findings (exporters::otlp/siem), whose losses are known and wanted.
	Acknowledge []string `mapstructure:"acknowledge"`
}

// Unmarshal refuses durations without a unit, and explains unknown keys.
func (c *Config) Unmarshal(conf *confmap.Conf) error { return strictconfig.Unmarshal(conf, c) }

// Validate names the key and the remedy.
func (c *Config) Validate() error {
	if c.OnLoss != OnLossWarn && c.OnLoss != OnLossRefuse {
		return fmt.Errorf("on_loss: %q is neither %s nor %s", c.OnLoss, OnLossWarn, OnLossRefuse)
	}
	for _, name := range c.Acknowledge {
		if class, id, ok := strings.Cut(name, "::"); !ok || !isComponentClass(class) || id == "" {
			return fmt.Errorf("acknowledge: %q is no component; write it as the warning does, for example exporters::otlp/siem", name)
		}
	}
	return nil
}

func isComponentClass(s string) bool {
	return s == receiverClass || s == processorClass || s == exporterClass
}
