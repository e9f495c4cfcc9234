package sessionlogdelivery

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// conf reads YAML into what the collector hands over as its effective configuration.
func conf(t testing.TB, text string) *confmap.Conf {
	t.Helper()
	r, err := confmap.NewRetrievedFromYAML([]byte(text))
	require.NoError(t, err)
	c, err := r.AsConf()
	require.NoError(t, err)
	return c
}

// notify starts the extension as the collector does and shows it a configuration; it returns what was logged.
func notify(t *testing.T, cfg *Config, text string) (*observer.ObservedLogs, error) {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	set := extension.Settings{ID: component.NewID(Type), TelemetrySettings: componenttest.NewNopTelemetrySettings()}
	set.Logger = zap.New(core)
	ext, err := NewFactory().Create(t.Context(), set, cfg)
	require.NoError(t, err)
	require.NoError(t, ext.Start(t.Context(), componenttest.NewNopHost()))
	err = ext.(extensioncapabilities.ConfigSnapshotWatcher).NotifyConfigSnapshot(t.Context(), extensioncapabilities.NewConfigSnapshot(conf(t, text), conf(t, text)))
	require.NoError(t, ext.Shutdown(t.Context()))
	return logs, err
}

const lossy = `
receivers: {sessionlog: {file: {include: [a]}, storage: file_storage}}
processors: {batch: }
exporters: {sessionlog: , otlp/siem: {endpoint: "siem:4317", timeout: 60s, sending_queue: {wait_for_result: true}}}
service: {pipelines: {logs/audit: {receivers: [sessionlog], processors: [batch], exporters: [sessionlog, otlp/siem]}}}
`

func TestWarns(t *testing.T) {
	logs, err := notify(t, &Config{OnLoss: OnLossWarn}, lossy)
	require.NoError(t, err)
	require.Equal(t, 1, logs.Len())
	line := logs.All()[0]
	require.Equal(t, zapcore.WarnLevel, line.Level)
	require.Contains(t, line.Message, "processors::batch: it acknowledges events before they are delivered")
	require.Contains(t, line.Message, "take it out of the pipeline and set sending_queue::batch of the exporters (batch_processor)")
}

func TestRefuses(t *testing.T) {
	_, err := notify(t, &Config{OnLoss: OnLossRefuse}, lossy)
	require.ErrorContains(t, err, "processors::batch: ")
	require.ErrorContains(t, err, "on_loss: refuse")
}

func TestAcknowledged(t *testing.T) {
	for _, onLoss := range []string{OnLossWarn, OnLossRefuse} {
		logs, err := notify(t, &Config{OnLoss: onLoss, Acknowledge: []string{"processors::batch"}}, lossy)
		require.NoError(t, err)
		require.Zero(t, logs.FilterLevelExact(zapcore.WarnLevel).Len())
		require.Equal(t, 1, logs.FilterMessageSnippet("acknowledged").Len())
	}
}

func TestConfig(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(NewFactory().CreateDefaultConfig()))
	for _, c := range []struct{ yaml, want string }{
		{"{}", ""},
		{"on_loss: refuse", ""},
		{"acknowledge: [exporters::otlp/siem, processors::batch, receivers::syslog]", ""},
		{"on_loss: panic", `on_loss: "panic" is neither warn nor refuse`},
		{"acknowledge: [otlp]", `acknowledge: "otlp" is no component`},
		{"acknowledge: [\"exporters::\"]", `acknowledge: "exporters::" is no component`},
		{"acknowledge: [\"extensions::zpages\"]", `acknowledge: "extensions::zpages" is no component`},
		{"on_los: warn", "on_los"},
	} {
		cfg := NewFactory().CreateDefaultConfig()
		err := conf(t, c.yaml).Unmarshal(cfg)
		if err == nil {
			err = confmap.Validate(cfg)
		}
		if c.want == "" {
			require.NoError(t, err, c.yaml)
			continue
		}
		require.ErrorContains(t, err, c.want, c.yaml)
	}
}

// TestReadmeNamesEveryRuleAndKey holds the page against the table.
func TestReadmeNamesEveryRuleAndKey(t *testing.T) {
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for _, r := range lossRules {
		require.True(t, strings.Contains(string(page), "| `"+r.name+"` |"), "README.md has no row for the rule %s", r.name)
	}
	for _, key := range []string{"on_loss", "acknowledge"} {
		require.Contains(t, string(page), "| `"+key+"` |")
	}
}

// TestEveryRule walks testdata/<rule>.yaml: a small configuration that loses events and the mended one. Each begins with
// the names of all rules that find something in it; the mended one is free of the rule itself.
func TestEveryRule(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.yaml"))
	require.NoError(t, err)
	require.Len(t, files, len(lossRules), "one testdata/<rule>.yaml for each rule")
	for _, r := range lossRules {
		t.Run(r.name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata", r.name+".yaml"))
			require.NoError(t, err)
			bad, good, ok := strings.Cut(string(text), "\n---\n")
			require.True(t, ok)
			require.Contains(t, check(t, bad), r.name)
			require.NotContains(t, check(t, good), r.name)
		})
	}
}

// check examines a configuration and compares the rules that find something with those that its first line names.
func check(t *testing.T, text string) []string {
	t.Helper()
	first, _, _ := strings.Cut(text, "\n")
	want, ok := strings.CutPrefix(first, "# finds:")
	require.True(t, ok, "the first line names what is found")
	found := []string{}
	for _, f := range findLosses(conf(t, text).ToStringMap()) {
		found = append(found, f.rule)
	}
	require.Equal(t, strings.Fields(want), found)
	return found
}

// TestShippedConfiguration is what every newcomer starts with: it loses nothing, and nothing warns.
func TestShippedConfiguration(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "config", "collector.yaml"))
	require.NoError(t, err)
	all := conf(t, string(text)).ToStringMap()
	require.NotEmpty(t, eventComponents(all))
	require.Empty(t, findLosses(all))
}
