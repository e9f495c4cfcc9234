package file_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/testengine"
)

// TestARealSSHD runs OpenSSH's server with PAM, and its clients, and reads what busybox' syslogd made of its messages.
func TestARealSSHD(t *testing.T) {
	if os.Getuid() != 0 {
		testengine.Missing(t, "the right to have a /dev/log and users of its own", "run the test as root")
	}
	for program, pkg := range map[string]string{"sshd": "openssh-server", "ssh": "openssh-client", "busybox": "busybox", "openssl": "openssl", "unshare": "util-linux"} {
		if _, err := exec.LookPath(program); err != nil {
			testengine.Missing(t, program, "apt-get install "+pkg)
		}
	}
	if err := exec.Command("unshare", "--mount", "true").Run(); err != nil {
		testengine.Missing(t, "namespaces", "run the test where unshare --mount may be called")
	}
	dir := t.TempDir()
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child",
		"bash", "testdata/sshd.sh", dir, strconv.Itoa(freePort(t)))
	out, err := cmd.CombinedOutput()
	clients, _ := os.ReadFile(filepath.Join(dir, "clients"))
	require.NoError(t, err, "%s\n%s", out, clients)

	cfg := config(filepath.Join(dir, "messages"))
	cfg.Format = "sshd"
	j := onceLater(t, cfg, &sourcetest.Store{}, time.Hour)
	log := content(t, filepath.Join(dir, "messages"))
	require.Empty(t, j.stats.Counts().Reasons, log)
	var got []string
	for _, e := range j.Delivered() {
		require.Contains(t, []string{"127.0.0.1", ""}, e.ClientAddress, log)
		got = append(got, strings.Join(strings.Fields(strings.Join([]string{e.Kind.String(), e.Outcome.String(), e.User, e.AuthMethod, e.ErrorType}, " ")), " "))
	}
	slices.Sort(got)
	require.Equal(t, []string{
		"login failure alma invalid_credentials", // a wrong key
		"login failure alma pam invalid_credentials", "login failure alma pam invalid_credentials",
		"login failure alma password invalid_credentials",
		"login failure eve user_unknown",
		"login failure kim not_permitted",
		"login failure pat password not_permitted",
		"login failure root not_permitted",
		"login success alma password", "login success alma ssh_key",
		"logout success alma", "logout success alma",
	}, got, "%s\n%s", log, clients)
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	return listener.Addr().(*net.TCPAddr).Port
}
