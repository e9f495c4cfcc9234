package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine"
)

const unitFile = "packaging/systemd/otelcol-sessionlog.service"

// serviceUser is an account that nothing on the machine belongs to.
const serviceUser = 64_321

// asServiceUser runs a process as the unit does: another user, in the root folder, with a folder of its own to write into. Tests that
// are not root's run as who they are.
func asServiceUser(t *testing.T, p *process, stateDirectory string) {
	t.Helper()
	p.Dir = "/"
	p.Env = []string{"PATH=" + os.Getenv("PATH"), "STATE_DIRECTORY=" + stateDirectory, "CH_PASSWORD=x"}
	if os.Getuid() != 0 {
		return
	}
	p.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: serviceUser, Gid: serviceUser, Groups: []uint32{}}}
	require.NoError(t, os.Chown(stateDirectory, serviceUser, serviceUser))
}

// openFolder is one that every user can reach, unlike those of testing.
func openFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sessionlog-service")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestTheUnitIsSound by systemd's own checks, with the binary of this tree.
func TestTheUnitIsSound(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		testengine.Missing(t, "systemd-analyze", "install it (Debian, Ubuntu: apt-get install systemd)")
	}
	unit := filepath.Join(t.TempDir(), "otelcol-sessionlog.service")
	path, err := binary()
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(root, unitFile))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(unit, []byte(strings.ReplaceAll(string(text), "ExecStart=otelcol-sessionlog", "ExecStart="+path)), 0o600))
	out, err := exec.Command("systemd-analyze", "verify", "--man=no", unit).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NotContains(t, string(out), "otelcol-sessionlog.service:", "no warning about it")
	out, err = exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=20", unit).CombinedOutput()
	require.NoError(t, err, "an exposure of 2.0 or more: %s", out)
}

// TestTheUnitsCommandRunsAsItsUser with the configuration for Debian: it starts in the root folder and writes below its own folder only.
func TestTheUnitsCommandRunsAsItsUser(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, unitFile))
	require.NoError(t, err)
	command := regexp.MustCompile(`(?m)^ExecStart=(.*)$`).FindStringSubmatch(string(text))
	require.NotNil(t, command)
	dir := openFolder(t)
	config, err := os.ReadFile(filepath.Join(root, "config/debian.yaml"))
	require.NoError(t, err)
	file := filepath.Join(dir, "config.yaml")
	require.NoError(t, os.WriteFile(file, config, 0o644))
	state := filepath.Join(dir, "state")
	require.NoError(t, os.Mkdir(state, 0o700))

	p := newProcess(t, "")
	fields := strings.Fields(strings.ReplaceAll(command[1], "/etc/otelcol-sessionlog/config.yaml", file))
	p.Args = append(p.Args[:1], fields[1:]...)
	p.Args = append(p.Args, "--set=extensions::healthcheckv2/ready::http::endpoint=127.0.0.1:0", "--set=service::telemetry::metrics::level=none")
	asServiceUser(t, p, state)
	p.start(t)
	p.logs(t, "Everything is ready")
	require.FileExists(t, filepath.Join(state, "session_log.db"))
	p.terminate(t)
	require.Equal(t, 0, p.status(t, endsWithin))
}

// TestTheReadmesConfigurationStartsAsAService: "Your own ClickHouse", as a service user in the root folder. Its server is not there,
// and is waited for.
func TestTheReadmesConfigurationStartsAsAService(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(readme, -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		dir := openFolder(t)
		state := filepath.Join(dir, "state")
		require.NoError(t, os.Mkdir(state, 0o700))
		config := strings.ReplaceAll(string(block[1]), "/var/lib/otelcol-sessionlog", state)
		require.Contains(t, config, state, "all that is written is in one folder")
		file := filepath.Join(dir, "config.yaml")
		require.NoError(t, os.WriteFile(file, []byte(config), 0o644))
		p := newProcess(t, "")
		p.Args = append(p.Args[:1], "--config", file, "--set=service::telemetry::metrics::level=none")
		asServiceUser(t, p, state)
		p.start(t)
		p.logs(t, "Everything is ready")
		p.terminate(t)
		require.Equal(t, 0, p.status(t, endsWithin))
	}
}
