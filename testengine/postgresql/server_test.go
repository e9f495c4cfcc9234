package postgresql_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/engines"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// envOrphan makes this test binary a parent to be killed: it starts a server in the named folder, says its process id and socket folder, and waits.
const envOrphan = "SESSIONLOG_TEST_ORPHAN_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(envOrphan); dir != "" {
		s, err := server.Start(context.Background(), server.Config{Dir: dir})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(s.PID, s.SocketDir)
		select {}
	}
	goleak.VerifyTestMain(m)
}

func needEngine(t testing.TB) {
	t.Helper()
	if _, err := engines.PostgreSQL18.Find(); err != nil {
		testengine.Missing(t, "real PostgreSQL", "run 'make engines'")
	}
}

func startServer(t *testing.T, config server.Config) *server.Server {
	t.Helper()
	needEngine(t)
	if config.Dir == "" {
		config.Dir = t.TempDir()
	}
	s, err := server.Start(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// family is the postmaster with its children.
func family(t *testing.T, pid int) []int {
	t.Helper()
	pids := []int{pid}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	for _, name := range stats {
		text, err := os.ReadFile(name)
		var child, parent int
		var state string
		if err != nil {
			continue
		}
		_, after, _ := strings.Cut(string(text), ") ")
		if _, err = fmt.Sscan(after, &state, &parent); err == nil && parent == pid {
			_, err = fmt.Sscan(string(text), &child)
			require.NoError(t, err)
			pids = append(pids, child)
		}
	}
	return pids
}

// runs is false for a zombie too: whoever inherits the orphan may be slow to reap it.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ") && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

func requireGone(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		require.Eventually(t, func() bool { return !runs(pid) }, time.Minute, 10*time.Millisecond, "process %d is still there", pid)
	}
}

func TestTheServerEndsWithItsParentEvenIfThatIsKilled(t *testing.T) {
	needEngine(t)
	self, err := os.Executable()
	require.NoError(t, err)
	parent := exec.CommandContext(t.Context(), self)
	parent.Env = append(os.Environ(), envOrphan+"="+t.TempDir())
	out, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	var pid int
	var sockets string
	_, err = fmt.Sscan(line, &pid, &sockets)
	require.NoError(t, err, line)
	defer func() { require.NoError(t, os.RemoveAll(sockets)) }() // nobody else can
	pids := family(t, pid)
	require.Greater(t, len(pids), 4)

	require.NoError(t, parent.Process.Kill())
	require.Error(t, parent.Wait())
	requireGone(t, pids)
}

func TestNobodyIsLeftAfterStopKillAndClose(t *testing.T) {
	s := startServer(t, server.Config{})
	for _, end := range []func() error{s.Stop, s.Kill, s.Close} {
		pids := family(t, s.PID)
		require.Greater(t, len(pids), 4)
		require.NoError(t, end())
		for _, pid := range pids {
			require.False(t, runs(pid))
		}
		require.NoError(t, end(), "a second time")
		_, err := net.Dial("tcp", s.Address)
		require.ErrorContains(t, err, "refused")
		if _, err := os.Stat(s.SocketDir); err == nil {
			require.NoError(t, s.Restart(t.Context(), s.Config()))
		}
	}
	require.NoDirExists(t, s.SocketDir)
}

func TestAServerThatCannotStartSaysWhy(t *testing.T) {
	needEngine(t)
	_, err := server.Start(t.Context(), server.Config{Dir: t.TempDir(), Settings: map[string]string{"no_such_setting": "1"}})
	require.ErrorContains(t, err, "start PostgreSQL 18")
	require.ErrorContains(t, err, `unrecognized configuration parameter "no_such_setting"`)
}

func TestAStartEndsWithItsContext(t *testing.T) {
	needEngine(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := server.Start(ctx, server.Config{Dir: t.TempDir()})
	require.ErrorIs(t, err, context.Canceled)
}

func TestTwoServersOnOneFolderAreRefused(t *testing.T) {
	s := startServer(t, server.Config{})
	_, err := server.Start(t.Context(), server.Config{Dir: s.Config().Dir})
	require.ErrorContains(t, err, `lock file "postmaster.pid" already exists`)
	rows, err := s.Query(t.Context(), "SELECT 1")
	require.NoError(t, err)
	require.Equal(t, [][]string{{"1"}}, rows)
}

func TestWrongConfigurations(t *testing.T) {
	_, err := server.Start(t.Context(), server.Config{})
	require.ErrorContains(t, err, "Config.Dir is empty")
	_, err = server.Start(t.Context(), server.Config{Dir: t.TempDir(), Version: 9})
	require.ErrorContains(t, err, "no PostgreSQL 9 among the engines: 15 and 18 are")
}

func TestAMissingEngineIsNamed(t *testing.T) {
	t.Setenv(engines.EnvDir, t.TempDir())
	_, err := server.Start(t.Context(), server.Config{Dir: t.TempDir()})
	require.ErrorIs(t, err, engines.ErrMissing)
}

func TestAFolderThatNobodyMayEnterIsNamed(t *testing.T) {
	if os.Getuid() != 0 {
		t.Log("not root: the server is this user's, and nothing is closed to it")
		return
	}
	dir := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir()) // dir is now outside of the temporary folder
	_, err := server.Start(t.Context(), server.Config{Dir: dir})
	require.ErrorContains(t, err, "chmod o+x")
	require.ErrorContains(t, err, filepath.Dir(dir))
}

// BenchmarkStart is what each test pays for a server of its own: copy, start, end.
func BenchmarkStart(b *testing.B) {
	needEngine(b)
	for b.Loop() {
		s, err := server.Start(b.Context(), server.Config{Dir: b.TempDir()})
		require.NoError(b, err)
		require.NoError(b, s.Close())
	}
}
