package strictconfig

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
)

type common struct {
	CollectionInterval time.Duration       `mapstructure:"collection_interval"`
	Endpoints          []string            `mapstructure:"endpoints"`
	Password           configopaque.String `mapstructure:"password"`
}

type block struct {
	common `mapstructure:",squash"`
	TTL    time.Duration `mapstructure:"ttl"`
	Size   int           `mapstructure:"size"`
}

type sender struct {
	Pause *time.Duration `mapstructure:"pause"`
}

type config struct {
	ClickHouse configoptional.Optional[block]                           `mapstructure:"clickhouse"`
	SQLite     configoptional.Optional[struct{ Path string }]           `mapstructure:"sqlite"`
	Queue      configoptional.Optional[exporterhelper.QueueBatchConfig] `mapstructure:"sending_queue"`
	HTTP       configoptional.Optional[confighttp.ServerConfig]         `mapstructure:"http"`
	Senders    map[string]sender                                        `mapstructure:"senders"`
	Steps      []time.Duration                                          `mapstructure:"steps"`
	Storage    *component.ID                                            `mapstructure:"storage"`
	Instance   string                                                   `mapstructure:"instance"`
}

func (c *config) Unmarshal(conf *confmap.Conf) error { return Unmarshal(conf, c) }

func decode(t *testing.T, values map[string]any) (*config, error) {
	t.Helper()
	c := &config{
		ClickHouse: configoptional.Default(block{common: common{CollectionInterval: 5 * time.Second}}),
		Queue:      configoptional.Some(exporterhelper.NewDefaultQueueConfig()),
		HTTP:       configoptional.Default(confighttp.NewDefaultServerConfig()),
	}
	return c, confmap.NewFromStringMap(values).Unmarshal(c)
}

// said is an error as the collector prints it, below the component's name.
func said(t *testing.T, err error) string {
	t.Helper()
	require.Error(t, err)
	_, text, _ := strings.Cut(err.Error(), "'' ")
	return text
}

func TestDurationsNeedAUnit(t *testing.T) {
	for _, c := range []struct {
		written any
		message string
	}{
		{365, "clickhouse::ttl: 365 has no unit; write 8760h for 365 days"},
		{"365", "clickhouse::ttl: 365 has no unit; write 8760h for 365 days"},
		{uint64(30), "clickhouse::ttl: 30 has no unit; write 720h for 30 days"},
		{-7, "clickhouse::ttl: -7 has no unit; write -168h for -7 days"},
		{0.5, "clickhouse::ttl: 0.5 has no unit; write 12h for 0.5 days"},
		{"365d", "clickhouse::ttl: 365d has a unit that durations do not have; write 8760h"},
		{"1 year", "clickhouse::ttl: 1 year has a unit that durations do not have; write 8760h"},
		{"2 Weeks", "clickhouse::ttl: 2 Weeks has a unit that durations do not have; write 336h"},
		{"5 s", `clickhouse::ttl: "5 s" is no duration; write 5s`},
		{"10min", `clickhouse::ttl: "10min" is no duration; write 10m`},
		{"3 moons", "clickhouse::ttl: 3 moons has a unit that durations do not have; write a number with a unit, such as 8760h or 5s"},
		{"P1D", `clickhouse::ttl: "P1D" is no duration; write a number with a unit, such as 8760h or 5s`},
		{"1d12h", `clickhouse::ttl: "1d12h" is no duration; write a number with a unit, such as 8760h or 5s`},
		{"", `clickhouse::ttl: "" is no duration; write a number with a unit, such as 8760h or 5s`},
		{31536000000000000, "clickhouse::ttl: 31536000000000000 has no unit; write a number with a unit, such as 8760h or 5s"},
	} {
		_, err := decode(t, map[string]any{"clickhouse": map[string]any{"ttl": c.written}})
		require.Equal(t, c.message, said(t, err))
	}
}

func TestDurationsThatAreFine(t *testing.T) {
	for _, c := range []struct {
		written any
		want    time.Duration
	}{{0, 0}, {"0", 0}, {0.0, 0}, {"0s", 0}, {"8760h", 8760 * time.Hour}, {"1h30m", 90 * time.Minute}, {"-5s", -5 * time.Second}, {nil, 0}} {
		got, err := decode(t, map[string]any{"clickhouse": map[string]any{"ttl": c.written}})
		require.NoError(t, err, "%v", c.written)
		require.Equal(t, c.want, got.ClickHouse.Get().TTL)
		require.Equal(t, 5*time.Second, got.ClickHouse.Get().CollectionInterval, "the default stays")
	}
}

func TestDurationsWhereverTheyStand(t *testing.T) {
	for _, c := range []struct {
		values  map[string]any
		message string
	}{
		{map[string]any{"clickhouse": map[string]any{"collection_interval": 5}}, "clickhouse::collection_interval: 5 has no unit; write 5s for 5 seconds"},
		{map[string]any{"senders": map[string]any{"okta": map[string]any{"pause": 3}}}, "senders::okta::pause: 3 has no unit; write 3s for 3 seconds"},
		{map[string]any{"steps": []any{"1s", 2}}, "steps: 2 has no unit; write 2s for 2 seconds"},
		{map[string]any{"http": map[string]any{"read_timeout": 30}}, "http::read_timeout: 30 has no unit; write 30s for 30 seconds"},
		{map[string]any{"sending_queue": map[string]any{"batch": map[string]any{"flush_timeout": 200}}}, "sending_queue::batch::flush_timeout: 200 has no unit; write 200s for 200 seconds"},
	} {
		_, err := decode(t, c.values)
		require.Equal(t, c.message, said(t, err))
	}
}

func TestUnknownKeysAreExplained(t *testing.T) {
	for _, c := range []struct {
		values  map[string]any
		message string
	}{
		{map[string]any{"clickhouse": map[string]any{"endpoint": "ch:9000"}}, "clickhouse::endpoint: unknown key; did you mean endpoints?"},
		{map[string]any{"clickhose": nil}, "clickhose: unknown key; did you mean clickhouse?"},
		{map[string]any{"ClickHouse": nil}, "ClickHouse: unknown key; did you mean clickhouse?"},
		{map[string]any{"clickhouse": map[string]any{"collectionInterval": "5s"}}, "clickhouse::collectionInterval: unknown key; did you mean collection_interval?"},
		{map[string]any{"clickhouse": map[string]any{"enpoints": nil, "sise": 1}}, "clickhouse::enpoints: unknown key; did you mean endpoints?\nclickhouse::sise: unknown key; did you mean size?"},
		{map[string]any{"endpoints": []any{"ch:9000"}}, "endpoints: unknown key; write it below clickhouse"},
		{map[string]any{"clickhouse": map[string]any{"storage": "x"}}, "clickhouse::storage: unknown key; it belongs to the block around this one: write it beside clickhouse"},
		{map[string]any{"senders": map[string]any{"okta": map[string]any{"what": 1}}}, "senders::okta::what: unknown key; allowed here are pause"},
		{map[string]any{"http": map[string]any{"endpont": "x"}}, "http::endpont: unknown key; did you mean endpoint?"},
		{map[string]any{"sending_queue": map[string]any{"queue_sise": 1}}, "sending_queue::queue_sise: unknown key; did you mean queue_size?"},
	} {
		_, err := decode(t, c.values)
		require.Equal(t, c.message, said(t, err))
	}
}

// TestAllMistakesAreToldAtOnce, also those that the decoder finds itself; a password stands in none.
func TestAllMistakesAreToldAtOnce(t *testing.T) {
	_, err := decode(t, map[string]any{"clickhouse": map[string]any{"ttl": 7, "pasword": "S3cret", "size": "many"}, "instnce": "S3cret"})
	require.ErrorContains(t, err, "clickhouse::ttl: 7 has no unit; write 168h for 7 days")
	require.ErrorContains(t, err, "clickhouse::pasword: unknown key; did you mean password?")
	require.ErrorContains(t, err, "instnce: unknown key; did you mean instance?")
	require.ErrorContains(t, err, "clickhouse::size: a number is expected here")
	require.NotContains(t, err.Error(), "S3cret")
	require.NotContains(t, err.Error(), "invalid keys")
}

func TestWhatIsFineIsDecoded(t *testing.T) {
	c, err := decode(t, map[string]any{
		"clickhouse": map[string]any{"endpoints": []any{"a", "b"}, "password": "S3cret", "enabled": true},
		"storage":    "file_storage/x", "senders": map[string]any{"okta": nil}, "sending_queue": map[string]any{"enabled": false},
	})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, c.ClickHouse.Get().Endpoints)
	require.Equal(t, "file_storage/x", c.Storage.String())
	require.False(t, c.Queue.HasValue())
}

// TestAnotherShapeThanExpected is told in the words of the file, without what was written.
func TestAnotherShapeThanExpected(t *testing.T) {
	for want, values := range map[string]map[string]any{
		"instance: one text is expected here, not a list":                                                             {"instance": []any{"s3cret"}},
		"clickhouse: a block of keys is expected here, not a single value":                                            {"clickhouse": "s3cret"},
		"clickhouse::password: a text is expected here; write quotes around it":                                       {"clickhouse": map[string]any{"password": 4711}},
		"clickhouse::password: one text is expected here, not a list":                                                 {"clickhouse": map[string]any{"password": []any{"s3cret"}}},
		"clickhouse::size: a number is expected here, without quotes and without a unit, such as 10485760 for 10 MiB": {"clickhouse": map[string]any{"size": "10MB"}},
		"sending_queue::block_on_overflow: write true or false here, without quotes":                                  {"sending_queue": map[string]any{"block_on_overflow": "yes"}},
		"sending_queue::num_consumers: a number is expected here":                                                     {"sending_queue": map[string]any{"num_consumers": "s3cret"}},
		"clickhouse::endpoints: a list is expected here, not a block of keys; write [a, b]":                           {"clickhouse": map[string]any{"endpoints": map[string]any{"s3cret": nil}}},
		"clickhouse::pass: unknown key; did you mean password?":                                                       {"clickhouse": map[string]any{"pass": "s3cret"}},
		"clickhouse::ttl: a list is no duration; write a number with a unit":                                          {"clickhouse": map[string]any{"ttl": []any{"24h"}}},
		"clickhouse::ttl: a single value is no duration; write a number with a unit":                                  {"clickhouse": map[string]any{"ttl": true}},
	} {
		_, err := decode(t, values)
		require.Contains(t, said(t, err), want)
		require.NotContains(t, err.Error(), "s3cret")
		require.NotContains(t, err.Error(), "4711")
		require.NotContains(t, err.Error(), "unconvertible")
	}
}
