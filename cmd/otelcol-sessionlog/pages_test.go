package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// TestEveryAttributeOfAMetricIsBounded: docs/sizing.md says for each of them how many values it has at most, and names none that is not there.
func TestEveryAttributeOfAMetricIsBounded(t *testing.T) {
	used := map[string]bool{}
	for folder := range ourComponents(t) {
		text, err := os.ReadFile(filepath.Join("../..", folder, "metadata.yaml"))
		require.NoError(t, err)
		var m struct {
			Telemetry struct{ Metrics map[string]metricMetadata }
			Metrics   map[string]metricMetadata // that a connector makes of what passes
		}
		require.NoError(t, yaml.Unmarshal(text, &m))
		for _, metrics := range []map[string]metricMetadata{m.Telemetry.Metrics, m.Metrics} {
			for _, metric := range metrics {
				for _, attribute := range metric.Attributes {
					used[attribute] = true
				}
			}
		}
	}
	page, err := os.ReadFile("../../docs/sizing.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), "\n## Metrics\n")
	require.True(t, found)
	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]+`) \\| [^|]+ \\| [^|]+ \\|$").FindAllStringSubmatch(section, -1) {
		for _, attribute := range strings.Split(row[1], ", ") {
			listed = append(listed, strings.Trim(attribute, "`"))
		}
	}
	require.NotEmpty(t, listed)
	for attribute := range used {
		require.Contains(t, listed, attribute, "say in docs/sizing.md why it has few values")
	}
	slices.Sort(listed)
	require.Equal(t, slices.Compact(slices.Clone(listed)), listed)
	for _, attribute := range listed {
		require.True(t, used[attribute], "docs/sizing.md: no metric has %s", attribute)
	}
}

// TestEachComponentHasItsStability in docs/support.md, which is that of its metadata.yaml.
func TestEachComponentHasItsStability(t *testing.T) {
	page, err := os.ReadFile("../../docs/support.md")
	require.NoError(t, err)
	for folder, c := range ourComponents(t) {
		level, _, _ := strings.Cut(c.stability[0], ":")
		require.Len(t, c.stability, 1, folder)
		require.Contains(t, string(page), "\n| "+c.class+" `"+c.typ+"` | "+level+" | ")
	}
	require.Equal(t, len(ourComponents(t)), strings.Count(string(page), "` | alpha | "))
}
