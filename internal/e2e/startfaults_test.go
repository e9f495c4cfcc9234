package e2e

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAFailedStartNamesTheKey, and the remedy, and shows no stack and nothing that is not in the configuration.
func TestAFailedStartNamesTheKey(t *testing.T) {
	failed := func(t *testing.T, p *process, wants ...string) {
		t.Helper()
		p.start(t)
		require.Equal(t, 1, p.status(t, arrival))
		for _, want := range wants {
			require.Contains(t, p.out.String(), want)
		}
		require.NotContains(t, p.out.String(), ".go:1", "a stack")
		require.NotContains(t, p.out.String(), "sessionlog_process is")
	}
	shipped := func(t *testing.T, sets ...string) *process {
		text, err := os.ReadFile(filepath.Join(root, "config/collector.yaml"))
		require.NoError(t, err)
		p := newProcess(t, string(text))
		p.Args = append(p.Args, shippedElsewhere(p.Dir, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0")...)
		for _, set := range sets {
			p.Args = append(p.Args, "--set="+set)
		}
		return p
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	address := taken.Addr().String()
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)

	t.Run("the port of the metrics is taken", func(t *testing.T) {
		failed(t, shipped(t, "service::telemetry::metrics::level=normal", "service::telemetry::metrics::readers=[{pull: {exporter: {prometheus: {host: 127.0.0.1, port: "+port+"}}}}]"),
			"Error: service::telemetry::metrics::readers (host and port of the collector's own metrics): the address "+address+" is taken by another process")
	})
	t.Run("the address of a receiver is taken", func(t *testing.T) {
		failed(t, shipped(t, "receivers::otlp::protocols::grpc::endpoint="+address), "Error: receivers::otlp::protocols::grpc::endpoint: the address "+address+" is taken")
	})
	for name, folder := range map[string]string{"may not be written": "", "may not be made": "/new"} {
		t.Run("the storage "+name, func(t *testing.T) {
			dir := openFolder(t)
			storage := filepath.Join(dir, "storage")
			require.NoError(t, os.Mkdir(storage, 0o555))
			p := shipped(t, "extensions::file_storage::directory=${env:STORAGE}")
			config, err := os.ReadFile(p.configFile())
			require.NoError(t, err)
			p.Args[2] = filepath.Join(dir, "collector.yaml")
			require.NoError(t, os.WriteFile(p.Args[2], config, 0o644))
			state := openFolder(t)
			asServiceUser(t, p, state)
			p.Env = append(p.Env, "STORAGE="+storage+folder, "SESSIONLOG_DATA="+state)
			failed(t, p, "Error: extensions::file_storage::directory (${env:STORAGE}): user ", "may not use "+storage, "chown")
		})
	}
	t.Run("a storage that does not run", func(t *testing.T) {
		failed(t, shipped(t, "service::extensions=[sessionlog_limits]"), "Error: receivers::sessionlog/quickstart::storage: the extension file_storage does not run")
	})
	t.Run("two limits", func(t *testing.T) {
		failed(t, shipped(t, "receivers::otlp::protocols::grpc::middlewares=[{id: sessionlog_limits}, {id: sessionlog_limits}]"), "a server takes one sessionlog_limits")
	})
	t.Run("an unknown extension", func(t *testing.T) {
		p := shipped(t, "extensions::filestorage=")
		failed(t, p, `unknown type: "filestorage"`)
		require.NotContains(t, p.out.String(), "sessionlog_process", "it is of this process alone")
	})
}
