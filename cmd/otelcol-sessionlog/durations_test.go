package main

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestForeignDurationsNeedAUnit: a bare number would be nanoseconds in components that others have made, too.
func TestForeignDurationsNeedAUnit(t *testing.T) {
	const base = `{receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}, exporters: {nop: }, processors: {batch: },
extensions: {file_storage: {directory: ".", timeout: 5s}}, service: {extensions: [file_storage], pipelines: {logs: {receivers: [otlp], processors: [batch], exporters: [nop]}}}}`
	validate := func(more string) error {
		set := collectorSettings()
		set.ConfigProviderSettings.ResolverSettings.URIs = []string{"yaml:" + base, "yaml:" + more}
		_, err := validateConfig(t.Context(), set, io.Discard)
		return err
	}
	t.Setenv("SOME_SECONDS", "7")
	for written, want := range map[string]string{
		"extensions::file_storage::timeout: 5":                    "extensions::file_storage::timeout: 5 has no unit; write 5s for 5 seconds",
		"receivers::otlp::protocols::http::read_timeout: 30":      "receivers::otlp::protocols::http::read_timeout: 30 has no unit; write 30s",
		"processors::batch::timeout: ${env:SOME_SECONDS}":         "processors::batch::timeout: 7 has no unit; write 7s",
		"processors::batch/unused::timeout: 1 minute":             `processors::batch/unused::timeout: "1 minute" is no duration; write 1m`,
		"extensions::file_storage::compaction::check_interval: 9": "extensions::file_storage::compaction::check_interval: 9 has no unit",
	} {
		require.ErrorContains(t, validate(written), want)
	}
	for _, written := range []string{"receivers::otlp::protocols::http::read_timeout: 0", "processors::batch::timeout: 200ms", "processors::batch::send_batch_size: 5"} {
		require.NoError(t, validate(written), written)
	}
}
