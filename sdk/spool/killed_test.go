package spool

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
)

const applicationDir = "SPOOL_TEST_APPLICATION"

// application logs users in until it is killed, eight at a time, and prints each name after its login was granted. Should the test
// die first, the pipe breaks and takes it along.
func application(dir string) {
	t := &testing.B{}
	a := launch(t, filepath.Join(dir, "spool"), filepath.Join(dir, "session_log.db"))
	for w := range 8 {
		go func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				if err := a.Login(context.Background(), sessionlog.User(name), sessionlog.Durable()); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				fmt.Println(name) // one write of less than a pipe's page: whole or not at all
			}
		}()
	}
	select {}
}

// TestKilledApplication: none of the logins that an application has granted is missing after SIGKILL, however often, and none is
// there twice.
func TestKilledApplication(t *testing.T) {
	dir := t.TempDir()
	var granted []string
	for round := range 5 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), applicationDir+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			granted = append(granted, lines.Text())
			if n == 50+37*round {
				require.NoError(t, cmd.Process.Kill())
			}
		}
		require.Error(t, cmd.Wait())
	}
	require.Greater(t, len(granted), 500)

	a := launch(t, filepath.Join(dir, "spool"), filepath.Join(dir, "session_log.db"))
	a.leave(t)
	times := map[string]int{}
	for _, name := range users(t, filepath.Join(dir, "session_log.db")) {
		times[name]++
	}
	for _, name := range granted {
		require.Equal(t, 1, times[name], "granted login %s", name)
	}
	for name, n := range times {
		require.Equal(t, 1, n, "%s, granted or not", name)
	}
}
