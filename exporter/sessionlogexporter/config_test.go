package sessionlogexporter

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/postgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
)

func readYAML(t *testing.T, file string) *confmap.Conf {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	require.NoError(t, err)
	r, err := confmap.NewRetrievedFromYAML(text)
	require.NoError(t, err)
	c, err := r.AsConf()
	require.NoError(t, err)
	return c
}

// loadConfig reads a configuration as the collector does.
func loadConfig(c *confmap.Conf) (*Config, error) {
	cfg := NewFactory().CreateDefaultConfig().(*Config)
	if err := c.Unmarshal(cfg); err != nil {
		return cfg, err
	}
	return cfg, confmap.Validate(cfg)
}

// TestCheckConnectionTriesFoldersAndTheKeyThatSigns: what would end the start is found before it.
func TestCheckConnectionTriesFoldersAndTheKeyThatSigns(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	secret, public, err := seal.GenerateKey("audit.example.net/logins")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte(public), 0o600))
	key := filepath.Join(dir, "seal.key")
	require.NoError(t, os.WriteFile(key, []byte(secret), 0o600))
	wrong := func(deadLetter, keyFile, directory string) (keys []string) {
		c := createDefaultConfig().(*Config)
		c.SQLite.GetOrInsertDefault().Path = filepath.Join(dir, "session_log.db")
		c.DeadLetter.Directory = deadLetter
		sealed := c.Seal.GetOrInsertDefault()
		sealed.KeyFile, sealed.Directory = keyFile, directory
		for _, f := range c.CheckConnection(t.Context()) {
			if !f.OK {
				require.NotEmpty(t, f.Remedy)
				keys = append(keys, f.Key)
			}
		}
		return keys
	}
	require.Empty(t, wrong(filepath.Join(dir, "letters"), key, filepath.Join(dir, "seal")))
	within := filepath.Join(file, "folder")
	require.Equal(t, []string{"dead_letter::directory", "seal::key_file", "seal::directory"}, wrong(within, file, within))
	require.Equal(t, []string{"seal::key_file"}, wrong(dir, filepath.Join(dir, "none"), dir))
}

// TestDefaultsAreSafe: they are what docs and design promise, written down a second time on purpose.
func TestDefaultsAreSafe(t *testing.T) {
	c := createDefaultConfig().(*Config)
	require.NoError(t, componenttest.CheckConfigStruct(c))
	require.NoError(t, confmap.Validate(c))
	require.Empty(t, lossWarnings(&c.DeliveryConfig))
	q := c.QueueConfig.Get()
	require.NotNil(t, q)
	require.True(t, q.WaitForResult, "yes means durable")
	require.True(t, q.BlockOnOverflow, "a full queue makes wait, not refuse")
	require.Nil(t, q.StorageID, "the persistent queue is not lossless")
	require.Equal(t, exporterhelper.RequestSizerTypeBytes, q.Sizer, "memory is bounded, however large the records are")
	require.EqualValues(t, 64<<20, q.QueueSize)
	require.False(t, q.Batch.HasValue(), "a batch holds a lone call back, and its timer runs while nothing comes")
	batch := q.Batch.GetOrInsertDefault()
	require.Equal(t, exporterhelper.RequestSizerTypeItems, batch.Sizer, "in bytes a record that is larger than a batch is dropped")
	require.EqualValues(t, 20_000, batch.MaxSize)
	require.True(t, c.BackOffConfig.Enabled)
	require.Zero(t, c.BackOffConfig.MaxElapsedTime, "tried for ever")
	require.Zero(t, c.Timeout, "no attempt is cut short")
	require.Equal(t, NotEventsRefuse, c.NotEvents)
	require.False(t, c.SQLite.HasValue(), "a default block would stay when another backend is written")
	require.False(t, c.AcknowledgeLoss)
}

func TestValidConfig(t *testing.T) {
	want := map[string]func(*Config){
		"sessionlog": func(*Config) {},
		"sessionlog/file": func(c *Config) {
			file := sqlite.DefaultConfig()
			file.Path = "logins.db"
			c.SQLite = configoptional.Some(file)
		},
		"sessionlog/sqlite_with_defaults": func(c *Config) { c.SQLite = configoptional.Some(sqlite.DefaultConfig()) },
		"sessionlog/other_settings": func(c *Config) {
			c.Timeout = 30 * time.Second
			q := c.QueueConfig.Get()
			q.NumConsumers, q.QueueSize, q.Sizer = 8, 50_000, exporterhelper.RequestSizerTypeItems
			q.Batch.GetOrInsertDefault().FlushTimeout = time.Second
			c.BackOffConfig.MaxInterval = 5 * time.Second
			c.NotEvents, c.DeadLetter.Directory = NotEventsDeadLetter, "letters"
		},
		"sessionlog/no_queue": func(c *Config) { c.QueueConfig = configoptional.None[exporterhelper.QueueBatchConfig]() },
		"sessionlog/persistent": func(c *Config) {
			storage := component.MustNewID("file_storage")
			q := c.QueueConfig.Get()
			q.WaitForResult, q.StorageID, q.QueueSize, q.Sizer = false, &storage, 200_000, exporterhelper.RequestSizerTypeItems
			c.AcknowledgeLoss = true
		},
	}
	all := readYAML(t, "valid.yaml")
	require.Len(t, all.ToStringMap(), len(want))
	for name, edit := range want {
		t.Run(name, func(t *testing.T) {
			part, err := all.Sub(name)
			require.NoError(t, err)
			got, err := loadConfig(part)
			require.NoError(t, err)
			expected := createDefaultConfig().(*Config)
			edit(expected)
			require.Equal(t, expected, got)
		})
	}
}

func TestInvalidConfig(t *testing.T) {
	for name, v := range readYAML(t, "invalid.yaml").ToStringMap() {
		t.Run(name, func(t *testing.T) {
			mistake := v.(map[string]any)
			_, err := loadConfig(confmap.NewFromStringMap(mistake["config"].(map[string]any)))
			require.Error(t, err)
			for _, words := range mistake["want"].([]any) {
				require.ErrorContains(t, err, words.(string))
			}
		})
	}
}

// TestHazards: each setting that can lose events is named with its remedy, and acknowledge_loss silences it.
func TestHazards(t *testing.T) {
	storage := component.MustNewID("file_storage")
	for want, edit := range map[string]func(*Config){
		"":                               func(*Config) {},
		"sending_queue::wait_for_result": func(c *Config) { c.QueueConfig.Get().WaitForResult = false },
		"sending_queue::storage":         func(c *Config) { c.QueueConfig.Get().StorageID = &storage },
		"sending_queue::batch::max_size": func(c *Config) {
			c.QueueConfig.Get().Batch.GetOrInsertDefault().Sizer = exporterhelper.RequestSizerTypeBytes
		},
		"retry_on_failure::enabled": func(c *Config) { c.QueueConfig.Get().WaitForResult, c.BackOffConfig.Enabled = false, false },
		"retry_on_failure::max_elapsed_time": func(c *Config) {
			c.QueueConfig.Get().WaitForResult, c.BackOffConfig.MaxElapsedTime = false, time.Minute
		},
	} {
		c := createDefaultConfig().(*Config)
		edit(c)
		found := strings.Join(lossWarnings(&c.DeliveryConfig), "\n")
		if want == "" {
			require.Empty(t, found)
			continue
		}
		require.Contains(t, found, want)
		c.AcknowledgeLoss = true
		require.Empty(t, lossWarnings(&c.DeliveryConfig))
	}
	c := createDefaultConfig().(*Config)
	c.BackOffConfig.MaxElapsedTime = time.Minute
	require.Empty(t, lossWarnings(&c.DeliveryConfig), "the caller that waits gets its events back")
}

// TestReadmeNamesEveryKey walks the struct: what a person can write is documented, one row a key.
func TestReadmeNamesEveryKey(t *testing.T) {
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for _, key := range configKeys(reflect.TypeFor[Config](), "") {
		require.Contains(t, string(page), "| `"+key+"` |", "README.md has no row for %s", key)
	}
}

// TestReadmeNamesEveryMetric by letting an exporter make them all.
func TestReadmeNamesEveryMetric(t *testing.T) {
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	r := startExporter(t, func(c *Config) { c.NotEvents = NotEventsDeadLetter }, refusePort(1024, "client_port: not this one"))
	require.NoError(t, r.ConsumeLogs(t.Context(), withOthers(testEvents(0, 10), 3)))
	seals, err := newSealTelemetry(exporter.Settings{ID: component.NewID(Type), TelemetrySettings: r.tel.TelemetrySettings})
	require.NoError(t, err)
	seals.CountSealed(t.Context(), 1, 0)
	seals.CountAlarm(t.Context())
	seals.CountCosigned(t.Context(), true)
	seals.CountCosigned(t.Context(), false)
	made := map[string]bool{}
	for _, p := range r.tel.Points(t) {
		if p.Scope == meterScope {
			require.Contains(t, string(page), "| `"+p.Name+"` |")
			made[p.Name] = true
		}
	}
	require.Len(t, made, strings.Count(string(page), "| `"+metricPrefix))
}

// documentedElsewhere are the structs whose keys have a page of their own, or none.
var documentedElsewhere = map[reflect.Type]bool{
	reflect.TypeFor[sqlite.Config]():                   true,
	reflect.TypeFor[clickhouse.Config]():               true,
	reflect.TypeFor[postgresql.Config]():               true,
	reflect.TypeFor[exporterhelper.RequestSizerType](): true,
}

// configKeys are the paths of a configuration's keys, those of the backends aside, which have pages of their own.
func configKeys(typ reflect.Type, prefix string) (list []string) {
	for f := range typ.Fields() {
		tag, options, _ := strings.Cut(f.Tag.Get("mapstructure"), ",")
		inner := f.Type
		if strings.HasPrefix(inner.Name(), "Optional[") {
			field, _ := inner.FieldByName("value")
			inner = field.Type
		}
		path := prefix + tag
		switch {
		case options == "squash":
			list = append(list, configKeys(inner, prefix)...)
		case tag == "":
		case inner.Kind() == reflect.Struct && !documentedElsewhere[inner]:
			list = append(list, configKeys(inner, path+"::")...)
		default:
			list = append(list, path)
		}
	}
	return list
}
