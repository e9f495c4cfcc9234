package e2e

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const reloadedConfig = `
receivers: {sessionlog/x: {http: {endpoint: '$ADDRESS'}}}
exporters: {nop: }
service:
  telemetry: {metrics: {level: none}}
  pipelines: {logs: {receivers: [sessionlog/x], exporters: [nop]}}
`

// reloadingProcess runs, and listens at the address.
func reloadingProcess(t *testing.T) (*process, string) {
	address := freeAddress(t)
	p := newProcess(t, strings.ReplaceAll(reloadedConfig, "$ADDRESS", address))
	p.start(t)
	p.logs(t, "Everything is ready")
	return p, address
}

func (p *process) configFile() string { return filepath.Join(p.Dir, "collector.yaml") }

func (p *process) reload(t *testing.T, config string) {
	t.Helper()
	require.NoError(t, os.WriteFile(p.configFile(), []byte(config), 0o600))
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
}

// listens tells whether a server answers there, whatever it answers.
func listens(address string) bool {
	answer, err := http.Get("http://" + address + "/")
	if err == nil {
		_ = answer.Body.Close()
	}
	return err == nil
}

// TestABrokenConfigurationStopsNothing: whatever is wrong with the file at SIGHUP, the old configuration goes on; and the next
// valid one is loaded.
func TestABrokenConfigurationStopsNothing(t *testing.T) {
	p, address := reloadingProcess(t)
	valid := strings.ReplaceAll(reloadedConfig, "$ADDRESS", address)
	for name, broken := range map[string]struct{ config, reason string }{
		"no YAML":                {"receivers: [", "yaml"},
		"an empty file":          {"", "empty configuration file"},
		"a misspelled key":       {strings.Replace(valid, "endpoint:", "endpiont:", 1), "did you mean"},
		"a duration, no unit":    {strings.Replace(valid, "{nop: }", "{nop: , otlp: {endpoint: 'x:1', timeout: 5}}", 1), "timeout"},
		"an unknown component":   {strings.Replace(valid, "{nop: }", "{nope: }", 1), "nope"},
		"a pipeline's unknown":   {strings.Replace(valid, "exporters: [nop]", "exporters: [nop, debug]", 1), "debug"},
		"an unknown provider":    {strings.Replace(valid, "nop: }", "nop: '${vault:x}'}", 1), "vault"},
		"a component's own rule": {strings.Replace(valid, "endpoint:", "max_items: -1, endpoint:", 1), "max_items"},
	} {
		before := len(p.out.String())
		p.reload(t, broken.config)
		require.Eventually(t, func() bool {
			return strings.Contains(p.out.String()[before:], "the old configuration goes on")
		}, arrival, quick, name)
		require.Contains(t, p.out.String()[before:], broken.reason, name)
		require.Contains(t, p.out.String()[before:], "\terror\tSIGHUP: ", name)
	}
	require.True(t, listens(address))
	require.NotContains(t, p.out.String(), "Config updated, restart service")

	for range 2 { // one reload after another
		next := freeAddress(t)
		p.reload(t, strings.ReplaceAll(reloadedConfig, "$ADDRESS", next))
		require.Eventually(t, func() bool { return listens(next) && !listens(address) }, arrival, quick)
		address = next
	}
	require.Equal(t, 2, strings.Count(p.out.String(), "Config updated, restart service"))
	p.terminate(t)
	require.Equal(t, 0, p.status(t, endsWithin))
}

// TestAReloadOntoATakenAddressStopsNothing, of a receiver or of the collector's metrics; an address that the process holds itself is not tried.
func TestAReloadOntoATakenAddressStopsNothing(t *testing.T) {
	p, address := reloadingProcess(t)
	other, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer other.Close()
	taken := other.Addr().String()
	_, port, err := net.SplitHostPort(taken)
	require.NoError(t, err)
	valid := strings.ReplaceAll(reloadedConfig, "$ADDRESS", address)
	for key, config := range map[string]string{
		"receivers::sessionlog/x::http::endpoint": strings.ReplaceAll(reloadedConfig, "$ADDRESS", taken),
		"service::telemetry::metrics::readers": strings.Replace(valid, "{level: none}",
			"{level: basic, readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: "+port+"}}}}]}", 1),
	} {
		before := len(p.out.String())
		p.reload(t, config)
		require.Eventually(t, func() bool {
			return strings.Contains(p.out.String()[before:], "the old configuration goes on")
		}, arrival, quick, key)
		require.Contains(t, p.out.String()[before:], key)
		require.Contains(t, p.out.String()[before:], "the address "+taken+" is taken by another process")
		require.True(t, listens(address))
	}
	p.reload(t, strings.Replace(valid, "endpoint:", "max_items: 7, endpoint:", 1))
	p.logs(t, "Config updated, restart service")
	require.Eventually(t, func() bool { return listens(address) }, arrival, quick)
	p.terminate(t)
	require.Equal(t, 0, p.status(t, endsWithin))
}

// TestSIGTERMWhileAReloadIsChecked: the file is a pipe that nobody writes, so reading it never ends.
func TestSIGTERMWhileAReloadIsChecked(t *testing.T) {
	p, address := reloadingProcess(t)
	require.NoError(t, os.Remove(p.configFile()))
	require.NoError(t, unix.Mkfifo(p.configFile(), 0o600))
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	require.Never(t, func() bool { return strings.Contains(p.out.String(), "SIGHUP") }, time.Second, quick, "it is read")
	require.True(t, listens(address))
	p.terminate(t)
	require.Equal(t, 0, p.status(t, endsWithin))
}
