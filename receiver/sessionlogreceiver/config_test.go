package sessionlogreceiver

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otel-sessionlog/sessionlog/internal/redaction"
)

func loadTestdata(t *testing.T, name string) *confmap.Conf {
	t.Helper()
	conf, err := confmaptest.LoadConf(filepath.Join("testdata", name))
	require.NoError(t, err)
	return conf
}

// load does with one receiver's part of a configuration what the collector does.
func load(part map[string]any) (*Config, error) {
	config := createDefaultConfig().(*Config)
	if err := confmap.NewFromStringMap(part).Unmarshal(config); err != nil {
		return nil, err
	}
	return config, confmap.Validate(config)
}

func loadGood(t *testing.T, name string) *Config {
	t.Helper()
	part, err := loadTestdata(t, "good.yaml").Sub(name)
	require.NoError(t, err)
	config, err := load(part.ToStringMap())
	require.NoError(t, err)
	return config
}

func TestConfigFollowsTheCollectorsRules(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(createDefaultConfig()))
}

func TestGoodConfigsLoadAndBuild(t *testing.T) {
	for name := range loadTestdata(t, "good.yaml").ToStringMap() {
		config := loadGood(t, name)
		set := receivertest.NewNopSettings(componentType)
		_, err := NewFactory().CreateLogs(t.Context(), set, config, consumertest.NewNop())
		require.NoError(t, err, name)
	}
}

func TestDefaultsHoldInABlockOnceItIsWritten(t *testing.T) {
	config := loadGood(t, "sessionlog/clickhouse")
	ch := config.ClickHouse.Get()
	require.Equal(t, "system.session_log", ch.Table)
	require.True(t, ch.ExcludeSelf)
	require.Equal(t, "2m0s", ch.Overlap.String())
	require.Equal(t, 1024, ch.BatchSize)
	require.False(t, config.File.HasValue())
	require.Equal(t, component.MustNewID("file_storage"), *config.Storage)
	require.Equal(t, RefusedDeadLetter, config.OnRefused)
	require.Equal(t, redaction.DefaultConfig(), config.Redact)

	file := loadGood(t, "sessionlog/file").File.Get()
	require.Equal(t, "auto", file.Format)
	require.False(t, file.Follow)
}

func TestEveryMistakeIsNamedWithItsRemedy(t *testing.T) {
	mistakes := loadTestdata(t, "mistakes.yaml").ToStringMap()
	require.NotEmpty(t, mistakes)
	for name, entry := range mistakes {
		t.Run(name, func(t *testing.T) {
			mistake := entry.(map[string]any)
			_, err := load(mistake["config"].(map[string]any))
			require.EqualError(t, err, mistake["message"].(string))
		})
	}
}

func TestWithoutASourceNothingIsBuilt(t *testing.T) {
	_, err := NewFactory().CreateLogs(t.Context(), receivertest.NewNopSettings(componentType), createDefaultConfig(), consumertest.NewNop())
	require.ErrorContains(t, err, "no source to read")
}

func TestAKeyIsNeverShown(t *testing.T) {
	config := loadGood(t, "sessionlog/everything")
	out := confmap.New()
	require.NoError(t, out.Marshal(config))
	redact := out.Get("redact").(map[string]any)
	require.NotContains(t, redact["key"], "0123")
	require.Equal(t, "evidence", redact["preset"])
}
