package main

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestExtensionsThatAreNamedMustRun, whoever names them; a component that is in no pipeline is not asked.
func TestExtensionsThatAreNamedMustRun(t *testing.T) {
	const base = `{receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}, exporters: {nop: }, extensions: {file_storage: {directory: "."}},
service: {pipelines: {logs: {receivers: [otlp], exporters: [nop]}}}}`
	validate := func(more ...string) error {
		set := collectorSettings()
		set.ConfigProviderSettings.ResolverSettings.URIs = []string{"yaml:" + base}
		for _, m := range more {
			set.ConfigProviderSettings.ResolverSettings.URIs = append(set.ConfigProviderSettings.ResolverSettings.URIs, "yaml:"+m)
		}
		_, err := validateConfig(t.Context(), set, io.Discard)
		return err
	}
	const source = "receivers::sessionlog/x: {file: {include: [/x/*], timezone: UTC}, storage: file_storage}"
	for _, test := range []struct{ written, used, key string }{
		{source, "service::pipelines::logs::receivers: [sessionlog/x]", "receivers::sessionlog/x::storage: the extension file_storage does not run"},
		{"exporters::otlp: {endpoint: 'x:1', sending_queue: {storage: file_storage/q}}", "service::pipelines::logs::exporters: [otlp]", "exporters::otlp::sending_queue::storage: the extension file_storage/q does not run"},
		{"receivers::otlp::protocols::http::auth: {authenticator: oidc}", "", "receivers::otlp::protocols::http::auth::authenticator: the extension oidc does not run"},
		{"receivers::otlp::protocols::grpc::middlewares: [{id: sessionlog_limits}]", "", "receivers::otlp::protocols::grpc::middlewares::id: the extension sessionlog_limits does not run"},
	} {
		if test.used == "" {
			require.ErrorContains(t, validate(test.written), test.key)
			continue
		}
		require.NoError(t, validate(test.written), "it is not in use")
		require.ErrorContains(t, validate(test.written, test.used), test.key)
	}
	require.NoError(t, validate(source, "service::pipelines::logs::receivers: [sessionlog/x]", "service::extensions: [file_storage]"))
	require.ErrorContains(t, validate("receivers::otlp::protocols::grpc::middlewares: [{id: sessionlog_limits}, {id: sessionlog_limits/2}]",
		"extensions::sessionlog_limits: {}", "extensions::sessionlog_limits/2: {}", "service::extensions: [sessionlog_limits, sessionlog_limits/2]"),
		"receivers::otlp::protocols::grpc::middlewares: sessionlog_limits and sessionlog_limits/2: a server takes one")
}

func TestRootIsToldThatItMayReadEverything(t *testing.T) {
	require.Contains(t, rootWarning(0), "runuser -u")
	require.Empty(t, rootWarning(1000))
}

// TestMisspeltNamesAreExplained, where the collector says only that they are invalid, or lists nothing.
func TestMisspeltNamesAreExplained(t *testing.T) {
	const base = `{receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}, exporters: {nop: , nop/second: }, extensions: {file_storage: {directory: "."}},
service: {extensions: [file_storage], pipelines: {logs: {receivers: [otlp], exporters: [nop]}}}}`
	for _, test := range []struct{ written, complaint string }{
		{"recievers: {otlp: }", "recievers: unknown key; did you mean receivers?"}, //nolint:misspell // that is the mistake
		{"service::pipelines::logs::receivers: [otl]", "service::pipelines::logs::receivers: otl is not configured under receivers or connectors; did you mean otlp?"},
		{"service::pipelines::logs::exporters: [nop/secnd]", "service::pipelines::logs::exporters: nop/secnd is not configured under exporters or connectors; did you mean nop/second?"},
		{"service::extensions: [file-storage]", "service::extensions: file-storage is not configured under extensions; did you mean file_storage?"},
		{"service::pipelines::logs::receivers: [sessionlog]", `references receiver "sessionlog" which is not configured`},
		{"unlike_any_of_them: ", "has invalid keys: unlike_any_of_them"},
	} {
		set := collectorSettings()
		set.ConfigProviderSettings.ResolverSettings.URIs = []string{"yaml:" + base, "yaml:" + test.written}
		_, err := validateConfig(t.Context(), set, io.Discard)
		require.ErrorContains(t, err, test.complaint)
	}
}

// TestKeysOfErrorsCanBeWritten: a struct whose keys stand in the block around them is in no key.
func TestKeysOfErrorsCanBeWritten(t *testing.T) {
	const base = `{receivers: {sessionlog: {http: {endpoint: "127.0.0.1:0"}, instance: a}}, exporters: {sessionlog: {sqlite: {path: x}}}, service: {pipelines: {logs: {receivers: [sessionlog], exporters: [sessionlog]}}}}`
	for written, want := range map[string]string{
		"exporters::sessionlog::redact: {preset: GDPR}":           "exporters::sessionlog::redact: preset: ",
		"exporters::sessionlog::sending_queue: {queue_size: 0}":   "exporters::sessionlog::sending_queue: ",
		"exporters::sessionlog::sending_queue: {queue_size: 5MB}": "sending_queue::queue_size: a number is expected here",
	} {
		set := collectorSettings()
		set.ConfigProviderSettings.ResolverSettings.URIs = []string{"yaml:" + base, "yaml:" + written}
		_, err := validateConfig(t.Context(), set, io.Discard)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "deliveryconfig")
	}
}

// TestVariablesThatAreNotReplacedAreTold, without what stands there.
func TestVariablesThatAreNotReplacedAreTold(t *testing.T) {
	for text, told := range map[string]bool{
		"$CH_PASSWORD": true, "$$CH_PASSWORD": false, "$(cat_secret)": true, "%CH_PASSWORD%": true, "pa$WORD": false, "$1a": false, "$HOME/logins.db": true, "~/logins.db": true, "a~/b": false,
	} {
		set := collectorSettings()
		set.ConfigProviderSettings.ResolverSettings.URIs = []string{"yaml:exporters::x::password: '" + text + "'"}
		warnings, err := findMistakes(t.Context(), set.ConfigProviderSettings.ResolverSettings)
		require.NoError(t, err, text)
		require.Equal(t, told, len(warnings) == 1, "%s: %v", text, warnings)
		require.NotContains(t, strings.Join(warnings, ""), "PASSWORD")
	}
}

// TestWhatDoesNothingOrTwiceIsTold: neither is an error of the collector's.
func TestWhatDoesNothingOrTwiceIsTold(t *testing.T) {
	const base = `{receivers: {sessionlog/a: {file: {include: [/x/*.log]}}}, exporters: {sessionlog: , nop: }, service: {pipelines: {logs: {receivers: [sessionlog/a], exporters: [sessionlog]}}}}`
	for written, want := range map[string][]string{
		"{}": nil,
		"receivers::sessionlog/b: {file: {include: [/y]}}": {"receivers::sessionlog/b: is in no pipeline, so that it does nothing: name it under service::pipelines::logs::receivers"},
		"service::pipelines::logs::exporters: [nop]":       {"exporters::sessionlog: is in no pipeline"},
		"{receivers::sessionlog/b: {file: {include: [/x/*.log]}}, service::pipelines::logs/b: {receivers: [sessionlog/b], exporters: [nop]}}":        nil,
		"{receivers::sessionlog/b: {file: {include: [/x/*.log]}}, service::pipelines::logs/b: {receivers: [sessionlog/b], exporters: [sessionlog]}}": {"receivers::sessionlog/b::file::include: /x/*.log is read by sessionlog/a too, and sessionlog gets each login of it twice"},
	} {
		set := collectorSettings()
		set.ConfigProviderSettings.ResolverSettings.URIs = []string{"yaml:" + base, "yaml:" + written}
		warnings, err := findMistakes(t.Context(), set.ConfigProviderSettings.ResolverSettings)
		require.NoError(t, err, written)
		require.Len(t, warnings, len(want), written)
		for i := range want {
			require.Contains(t, warnings[i], want[i])
		}
	}
}
