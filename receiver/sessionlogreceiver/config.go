package sessionlogreceiver

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otel-sessionlog/sessionlog/internal/redaction"
	"github.com/otel-sessionlog/sessionlog/internal/strictconfig"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse"
	"github.com/otel-sessionlog/sessionlog/receiver/source/cloudwatch"
	"github.com/otel-sessionlog/sessionlog/receiver/source/file"
	httpsource "github.com/otel-sessionlog/sessionlog/receiver/source/http"
	"github.com/otel-sessionlog/sessionlog/receiver/source/journald"
	"github.com/otel-sessionlog/sessionlog/receiver/source/postgresql"
	"github.com/otel-sessionlog/sessionlog/receiver/source/redshift"
	"github.com/otel-sessionlog/sessionlog/receiver/source/s3"
)

// Config of the receiver. Exactly one source block must be present; README.md explains every key.
type Config struct {
	// ClickHouse reads system.session_log of a ClickHouse server.
	ClickHouse configoptional.Optional[clickhouse.Config] `mapstructure:"clickhouse"`
	// CloudWatch reads what RDS, Aurora and Redshift write to CloudWatch Logs.
	CloudWatch configoptional.Optional[cloudwatch.Config] `mapstructure:"cloudwatch"`
	// File reads exports of such a log, and the logs of other systems.
	File configoptional.Optional[file.Config] `mapstructure:"file"`
	// HTTP takes what applications and identity providers push.
	HTTP configoptional.Optional[httpsource.Config] `mapstructure:"http"`
	// Journald reads the logins of sshd out of systemd's journal.
	Journald configoptional.Optional[journald.Config] `mapstructure:"journald"`
	// PostgreSQL reads the server's log files over SQL.
	PostgreSQL configoptional.Optional[postgresql.Config] `mapstructure:"postgresql"`
	// Redshift reads the connection log of Amazon Redshift over SQL.
	Redshift configoptional.Optional[redshift.Config] `mapstructure:"redshift"`
	// S3 reads logs and exports that lie as objects in Amazon S3 or a store of its kind.
	S3 configoptional.Optional[s3.Config] `mapstructure:"s3"`

	// Instance is the source's stable name, part of every record id. Empty: the source block's own choice.
	Instance string `mapstructure:"instance"`
	// Storage is the storage extension that keeps the cursor. None: it is kept in memory, and lost with the process.
	Storage *component.ID `mapstructure:"storage"`
	// OnRefused says what becomes of events that the pipeline refuses for good: dead_letter or stop.
	OnRefused string `mapstructure:"on_refused"`
	// DeadLetter is where refused events are kept.
	DeadLetter DeadLetterConfig `mapstructure:"dead_letter"`
	// Redact says what is hidden before anything leaves the receiver.
	Redact redaction.Config `mapstructure:"redact"`
}

// DeadLetterConfig is the block dead_letter.
type DeadLetterConfig struct {
	// Directory is made when the first event is refused.
	Directory string `mapstructure:"directory"`
}

// The values of on_refused.
const (
	RefusedDeadLetter = "dead_letter"
	RefusedStop       = "stop"
)

func createDefaultConfig() component.Config {
	return &Config{
		ClickHouse: configoptional.Default(clickhouse.DefaultConfig()),
		CloudWatch: configoptional.Default(cloudwatch.DefaultConfig()),
		File:       configoptional.Default(file.DefaultConfig()),
		HTTP:       configoptional.Default(httpsource.DefaultConfig()),
		Journald:   configoptional.Default(journald.DefaultConfig()),
		PostgreSQL: configoptional.Default(postgresql.DefaultConfig()),
		Redshift:   configoptional.Default(redshift.DefaultConfig()),
		S3:         configoptional.Default(s3.DefaultConfig()),
		OnRefused:  RefusedDeadLetter,
		Redact:     redaction.DefaultConfig(),
	}
}

// Unmarshal refuses durations without a unit, and explains unknown keys.
func (c *Config) Unmarshal(conf *confmap.Conf) error { return strictconfig.Unmarshal(conf, c) }

// Validate names the key and the remedy of everything that is wrong outside the source's block, which validates itself.
func (c *Config) Validate() error {
	_, err := c.selectedSource()
	return errors.Join(err, c.validateOnRefused())
}

func (c *Config) validateOnRefused() error {
	if c.OnRefused != RefusedDeadLetter && c.OnRefused != RefusedStop {
		return fmt.Errorf("on_refused: %q is none of %s, %s", c.OnRefused, RefusedDeadLetter, RefusedStop)
	}
	return nil
}
