package sessionlogexporter

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/postgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sealing"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/internal/redaction"
	"github.com/otel-sessionlog/sessionlog/internal/strictconfig"
	"github.com/otel-sessionlog/sessionlog/session/deadletter"
)

// What [Config.NotEvents] may say.
const (
	NotEventsRefuse     = "refuse"
	NotEventsDeadLetter = "dead_letter"
)

// Config of the exporter. It holds exactly one backend; SQLite with its defaults when none is written. Several stores are
// several exporters: sessionlog/archive beside sessionlog.
type Config struct {
	exporterhelper.TimeoutConfig `mapstructure:",squash"`
	DeliveryConfig               `mapstructure:",squash"`

	// SQLite is a local file. Its default is no [configoptional.Some]: that would stay when another backend is written.
	SQLite configoptional.Optional[sqlite.Config] `mapstructure:"sqlite"`
	// ClickHouse is a ClickHouse server or cluster.
	ClickHouse configoptional.Optional[clickhouse.Config] `mapstructure:"clickhouse"`
	// PostgreSQL is a PostgreSQL server.
	PostgreSQL configoptional.Optional[postgresql.Config] `mapstructure:"postgresql"`

	// Seal makes what is stored provable.
	Seal configoptional.Optional[sealing.Config] `mapstructure:"seal"`
}

// DeliveryConfig is what every exporter of authentication events has, wherever it delivers them.
type DeliveryConfig struct {
	QueueConfig   configoptional.Optional[exporterhelper.QueueBatchConfig] `mapstructure:"sending_queue"`
	BackOffConfig configretry.BackOffConfig                                `mapstructure:"retry_on_failure"`

	// NotEvents says what becomes of log records that are no authentication events: refuse (default) or dead_letter.
	NotEvents string `mapstructure:"not_events"`

	// DeadLetter is where records go that the backend can never take.
	DeadLetter DeadLetterConfig `mapstructure:"dead_letter"`

	// Redact says what is hidden before anything is queued on a disk, written or kept in the dead letter.
	Redact redaction.Config `mapstructure:"redact"`

	// AcknowledgeLoss silences the warnings about settings that can lose events.
	AcknowledgeLoss bool `mapstructure:"acknowledge_loss"`
}

// DeadLetterConfig says where the dead letter is.
type DeadLetterConfig struct {
	// Directory is made when it is missing. Empty: beside the file of SQLite, else the first of deadletter.DefaultDirectories that can
	// be written.
	Directory string `mapstructure:"directory"`
}

// DefaultDeliveryConfig gives the settings under which nil from ConsumeLogs means committed: the queue is in memory and its
// callers wait for the result, so that the source, which still has the events, is the real queue. An attempt has no
// timeout of its own and is repeated for ever: record ids make a second write harmless.
//
// The queue is bounded in bytes, which are about half of what its records take in memory. Its consumers are many, since each only waits: what
// they have at a time shares writes ([sharedWrites], or the backend's own transactions), without a batch that a lone call would wait for.
// For whoever asks for batches they are bounded in records, since exporterhelper drops a record that is larger than a batch in bytes.
func DefaultDeliveryConfig() DeliveryConfig {
	queue := exporterhelper.NewDefaultQueueConfig()
	queue.WaitForResult = true
	queue.BlockOnOverflow = true
	queue.Sizer = exporterhelper.RequestSizerTypeBytes
	queue.QueueSize = 64 << 20
	queue.NumConsumers = 64
	batch := exporterhelper.NewDefaultBatchConfig()
	batch.FlushTimeout = 5 * time.Millisecond
	batch.Sizer = exporterhelper.RequestSizerTypeItems
	batch.MinSize, batch.MaxSize = 8192, 20_000
	queue.Batch = configoptional.Default(batch)

	retry := configretry.NewDefaultBackOffConfig()
	retry.InitialInterval, retry.MaxElapsedTime = time.Second, 0

	return DeliveryConfig{
		QueueConfig:   configoptional.Some(queue),
		BackOffConfig: retry,
		NotEvents:     NotEventsRefuse,
		Redact:        redaction.DefaultConfig(),
	}
}

func createDefaultConfig() component.Config {
	return &Config{
		TimeoutConfig:  exporterhelper.TimeoutConfig{Timeout: 0},
		DeliveryConfig: DefaultDeliveryConfig(),
		SQLite:         configoptional.Default(sqlite.DefaultConfig()),
		ClickHouse:     configoptional.Default(clickhouse.DefaultConfig()),
		PostgreSQL:     configoptional.Default(postgresql.DefaultConfig()),
		Seal:           configoptional.Default(sealing.DefaultConfig()),
	}
}

// Unmarshal refuses durations without a unit, and explains unknown keys.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	c.CountRecords(conf)
	return strictconfig.Unmarshal(conf, c)
}

// countedRecords is the default of queue_size for whoever counts records.
const countedRecords = 200_000

// CountRecords gives a queue of which the user says the size but not its unit, or the other way round, the defaults that count records. So
// has a queue on a disk, which memory does not bound.
func (c *DeliveryConfig) CountRecords(conf *confmap.Conf) {
	for _, key := range [...]string{"sizer", "queue_size", "storage"} {
		if queue := c.QueueConfig.Get(); queue != nil && conf.IsSet("sending_queue::"+key) {
			queue.Sizer, queue.QueueSize = exporterhelper.RequestSizerTypeItems, countedRecords
		}
	}
}

// Validate names the key and the remedy. The blocks validate themselves.
func (c *Config) Validate() error {
	_, err := c.chooseBackend()
	return errors.Join(err, c.ValidateDelivery())
}

// ValidateDelivery names the key and the remedy. It has not the name Validate, or the collector would call it too and print each mistake twice.
func (c *DeliveryConfig) ValidateDelivery() error {
	var errs []error
	if c.NotEvents != NotEventsRefuse && c.NotEvents != NotEventsDeadLetter {
		errs = append(errs, fmt.Errorf("not_events: %q is neither %s nor %s", c.NotEvents, NotEventsRefuse, NotEventsDeadLetter))
	}
	if d := c.DeadLetter.Directory; d != "" && strings.TrimSpace(d) == "" {
		errs = append(errs, errors.New("dead_letter::directory: blank; name a folder that this process may write"))
	}
	return errors.Join(errs...)
}

// deadLetterDirectory is beside the data where that is a file here; "" leaves the choice to package deadletter.
func (c *Config) deadLetterDirectory() string {
	if d := c.DeadLetter.Directory; d != "" || c.ClickHouse.HasValue() || c.PostgreSQL.HasValue() {
		return d
	}
	if file := c.SQLite.Get(); file != nil {
		return deadletter.FolderBeside(file.Path)
	}
	return deadletter.FolderBeside(sqlite.DefaultConfig().Path)
}
