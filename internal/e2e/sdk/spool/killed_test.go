package spool_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/exporter/backendexporter"
	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/sdk/spool"
)

const applicationDir = "SPOOL_TEST_APPLICATION"

// application logs users in until it is killed, eight at a time, and prints each name after its login was granted. Should the test
// die first, the pipe breaks and takes it along.
func application(dir string) {
	cfg := sqlite.DefaultConfig()
	cfg.Path = filepath.Join(dir, "session_log.db")
	exporter, err := backendexporter.New(context.Background(), sqlite.New, cfg)
	exitOn(err)
	p, err := spool.NewProcessor(filepath.Join(dir, "spool"), exporter, spool.WithMaxBytes(64<<10)) // segments of 16 KiB come and go
	exitOn(err)
	a := newApp(p)
	for w := range 8 {
		go func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				exitOn(a.Login(context.Background(), sessionlog.User(name), sessionlog.Durable()))
				fmt.Println(name) // one write of less than a pipe's page: whole or not at all
			}
		}()
	}
	select {}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
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
