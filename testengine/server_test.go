package testengine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine/engines"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

func needEngine(t *testing.T) {
	t.Helper()
	if _, err := engines.ClickHouse.Find(); err != nil {
		Missing(t, "real ClickHouse", "run 'make engines'")
	}
}

func start(t *testing.T, config server.Config) *server.Server {
	t.Helper()
	needEngine(t)
	config.Dir = t.TempDir()
	s, err := server.Start(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestTheServerEndsWithItsParentEvenIfThatIsKilled(t *testing.T) {
	needEngine(t)
	self, err := os.Executable()
	require.NoError(t, err)
	parent := exec.CommandContext(t.Context(), self)
	parent.Env = append(os.Environ(), envOrphanServer+"="+t.TempDir())
	out, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	var pid int
	_, err = fmt.Sscan(line, &pid)
	require.NoError(t, err, line)
	require.True(t, runs(pid))

	require.NoError(t, parent.Process.Kill())
	require.Error(t, parent.Wait())
	require.Eventually(t, func() bool { return !runs(pid) }, time.Minute, 20*time.Millisecond, "the server outlived its parent")
}

// runs is false for a zombie too: whoever inherits the orphan may be slow to reap it.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ") && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

func TestAServerThatCannotStartSaysWhy(t *testing.T) {
	needEngine(t)
	_, err := server.Start(t.Context(), server.Config{Dir: t.TempDir(), ConfigXML: "<session_log><engine>no such engine</session_log>"})
	require.ErrorContains(t, err, "start ClickHouse")
	require.ErrorContains(t, err, "SAXParseException")
}

func TestAStartEndsWithItsContext(t *testing.T) {
	needEngine(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := server.Start(ctx, server.Config{Dir: t.TempDir()})
	require.ErrorIs(t, err, context.Canceled)
}

func TestTwoServersOnOneFolderAreRefused(t *testing.T) {
	s := start(t, server.Config{})
	_, err := server.Start(t.Context(), server.Config{Dir: s.Config().Dir})
	require.ErrorContains(t, err, "Cannot lock file")
}

func TestStopAndCloseMayFollowEachOther(t *testing.T) {
	s := start(t, server.Config{})
	require.NoError(t, s.Stop())
	require.NoError(t, s.Stop())
	require.NoError(t, s.Kill())
	_, err := net.Dial("tcp", s.Native)
	require.ErrorContains(t, err, "refused")
	require.NoError(t, s.Restart(t.Context(), server.Config{}))
	conn, err := net.Dial("tcp", s.Native)
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}

func TestAFolderIsRequired(t *testing.T) {
	_, err := server.Start(t.Context(), server.Config{})
	require.ErrorContains(t, err, "Config.Dir is empty")
}
