package zookeeper_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/zookeeper"
)

// envOrphan makes this test binary a parent to be killed: it starts a ZooKeeper in the named folder, says its address, and waits.
const envOrphan = "SESSIONLOG_TEST_ORPHAN_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(envOrphan); dir != "" {
		s, err := zookeeper.Start(context.Background(), dir)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(s.Addr)
		select {}
	}
	goleak.VerifyTestMain(m)
}

func need(t *testing.T) {
	t.Helper()
	if _, err := zookeeper.Find(); err != nil {
		testengine.Missing(t, "real ZooKeeper", zookeeper.Remedy)
	}
}

func refuses(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err == nil {
		_ = conn.Close()
	}
	return err != nil
}

func TestItStopsAndComesBackOnItsPort(t *testing.T) {
	need(t)
	s, err := zookeeper.Start(t.Context(), t.TempDir())
	require.NoError(t, err)
	require.False(t, refuses(s.Addr))
	require.NoError(t, s.Stop())
	require.NoError(t, s.Stop())
	require.True(t, refuses(s.Addr))
	require.NoError(t, s.Start(t.Context()))
	require.False(t, refuses(s.Addr))
	require.NoError(t, s.Close())
	require.True(t, refuses(s.Addr))
}

func TestItEndsWithItsParentEvenIfThatIsKilled(t *testing.T) {
	need(t)
	self, err := os.Executable()
	require.NoError(t, err)
	parent := exec.CommandContext(t.Context(), self)
	parent.Env = append(os.Environ(), envOrphan+"="+t.TempDir())
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

func TestAStartEndsWithItsContext(t *testing.T) {
	need(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := zookeeper.Start(ctx, t.TempDir())
	require.ErrorIs(t, err, context.Canceled)
}
