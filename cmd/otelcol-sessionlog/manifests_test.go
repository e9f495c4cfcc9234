package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// TestTheConfigurationsOfKubernetesAreValid: those of packaging/kubernetes, which are the chart's, and that for OpenTelemetry's chart.
func TestTheConfigurationsOfKubernetesAreValid(t *testing.T) {
	for name, value := range map[string]string{"STATE_DIRECTORY": t.TempDir(), "GATEWAYS": "gateways", "NODE_NAME": "node-1", "CLICKHOUSE_PASSWORD": "secret"} {
		t.Setenv(name, value)
	}
	files, err := filepath.Glob("../../packaging/kubernetes/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range append(files, "../../packaging/helm/upstream-values.yaml") {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for documents := yaml.NewDecoder(strings.NewReader(string(text))); ; {
			var manifest struct {
				Kind string
				Data map[string]string
				Spec struct{ Config map[string]any } // of the operator's OpenTelemetryCollector

				AlternateConfig map[string]any `yaml:"alternateConfig"` // of OpenTelemetry's chart
			}
			if err := documents.Decode(&manifest); errors.Is(err, io.EOF) {
				break
			} else {
				require.NoError(t, err, file)
			}
			config := manifest.Data["config.yaml"]
			if manifest.Spec.Config != nil || manifest.AlternateConfig != nil {
				written, err := yaml.Marshal(manifest.Spec.Config)
				if manifest.AlternateConfig != nil {
					written, err = yaml.Marshal(manifest.AlternateConfig)
				}
				require.NoError(t, err)
				config = string(written)
			}
			if config == "" {
				continue
			}
			set, warnings := collectorSettings(), &strings.Builder{}
			set.ConfigProviderSettings.ResolverSettings.URIs = []string{"yaml:" + config}
			_, err = validateConfig(t.Context(), set, warnings)
			require.NoError(t, err, "%s: %s", file, config)
			require.Empty(t, warnings.String(), file)
		}
	}
}
