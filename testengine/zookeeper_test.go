package testengine

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine/zookeeper"
)

func needZooKeeper(t *testing.T) {
	t.Helper()
	if _, err := zookeeper.Find(); err != nil {
		Missing(t, "real ZooKeeper", zookeeper.Remedy)
	}
}

func refuses(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err == nil {
		_ = conn.Close()
	}
	return err != nil
}

func TestZooKeeperEndsWithItsParentEvenIfThatIsKilled(t *testing.T) {
	needZooKeeper(t)
	self, err := os.Executable()
	require.NoError(t, err)
	parent := exec.CommandContext(t.Context(), self)
	parent.Env = append(os.Environ(), envOrphanZooKeeper+"="+t.TempDir())
	out, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	addr := line[:len(line)-1]
	require.False(t, refuses(addr), line)

	require.NoError(t, parent.Process.Kill())
	require.Error(t, parent.Wait())
	require.Eventually(t, func() bool { return refuses(addr) }, time.Minute, 20*time.Millisecond, "ZooKeeper outlived its parent")
}

func TestAStartOfZooKeeperEndsWithItsContext(t *testing.T) {
	needZooKeeper(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := zookeeper.Start(ctx, t.TempDir())
	require.ErrorIs(t, err, context.Canceled)
}
