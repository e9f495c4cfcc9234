package e2e

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine"
)

// machines are network namespaces of Linux behind one bridge, each with an address and a host name of its own: a configuration that says
// nothing about its host runs on many of them at once.
type machines struct {
	bridge, network string
	hosts           string // of /etc/hosts
	made            int
}

func newMachines(t *testing.T) *machines {
	t.Helper()
	if err := exec.Command("ip", "netns", "list").Run(); err != nil || os.Geteuid() != 0 {
		testengine.Missing(t, "network namespaces", "run this as root, with iproute2 installed")
	}
	pid := os.Getpid()
	m := &machines{bridge: fmt.Sprintf("sl%d", pid), network: fmt.Sprintf("10.%d.%d", 64+pid>>8&63, pid%256)}
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", m.bridge).Run() })
	runIP(t, "link", "add", m.bridge, "type", "bridge")
	runIP(t, "addr", "add", m.network+".254/24", "dev", m.bridge)
	runIP(t, "link", "set", m.bridge, "up")
	return m
}

// add makes a machine, and gives its address.
func (m *machines) add(t *testing.T, name string) (address string) {
	t.Helper()
	m.made++
	space, outside := m.space(name), fmt.Sprintf("%s.%d", m.bridge, m.made)
	address = fmt.Sprintf("%s.%d", m.network, m.made)
	t.Cleanup(func() {
		_ = exec.Command("ip", "netns", "del", space).Run()
		_ = os.RemoveAll(filepath.Join("/etc/netns", space))
	})
	runIP(t, "netns", "add", space)
	runIP(t, "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", space)
	runIP(t, "link", "set", outside, "master", m.bridge, "up")
	runIP(t, "-n", space, "addr", "add", address+"/24", "dev", "eth0")
	runIP(t, "-n", space, "link", "set", "eth0", "up")
	runIP(t, "-n", space, "link", "set", "lo", "up")
	return address
}

// on is what stands before a command that runs on a machine.
func (m *machines) on(t *testing.T, name string) []string {
	t.Helper()
	folder := filepath.Join("/etc/netns", m.space(name))
	require.NoError(t, os.MkdirAll(folder, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "hosts"), []byte("127.0.0.1 localhost\n"+m.hosts), 0o644)) //nolint:gosec // as /etc/hosts
	return []string{"ip", "netns", "exec", m.space(name), "unshare", "--uts", "sh", "-c", `hostname "$0" && exec "$@"`, name}
}

func (m *machines) space(name string) string { return m.bridge + "-" + name }

// publish lets the machines reach an address of this one, and gives theirs for it.
func (m *machines) publish(t *testing.T, target string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", m.network+".254:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go forward(in, target)
		}
	}()
	return l.Addr().String()
}

func forward(in net.Conn, target string) {
	defer in.Close()
	out, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(out, in)
		_ = out.Close()
	}()
	_, _ = io.Copy(in, out)
}

func runIP(t *testing.T, arguments ...string) {
	t.Helper()
	out, err := exec.Command("ip", arguments...).CombinedOutput()
	require.NoError(t, err, "ip %s: %s", strings.Join(arguments, " "), out)
}
