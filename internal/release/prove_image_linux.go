package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// proveImage opens the layout, lays out the image, and runs its command as it says.
func proveImage(ctx context.Context, r *release) (string, error) {
	temp, err := os.MkdirTemp("", "sessionlog-image")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	folder, root := filepath.Join(temp, "layout"), filepath.Join(temp, "root")
	if err := errors.Join(os.Chmod(temp, 0o755), os.Mkdir(folder, 0o755), os.Mkdir(root, 0o755)); err != nil {
		return "", err
	}
	if _, err := runIn(ctx, folder, nil, "tar", "-xf", r.file("otelcol-sessionlog_%s_oci.tar", r.version)); err != nil {
		return "", err
	}
	index, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return "", err
	}
	image, err := firstImage(index, thisMachine)
	if err != nil {
		return "", err
	}
	content := mutate.Extract(image)
	defer func() { _ = content.Close() }()
	unpack := exec.CommandContext(ctx, "tar", "-x", "-C", root)
	unpack.Stdin = content
	if said, err := unpack.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, said)
	}
	config, err := image.ConfigFile()
	if err != nil {
		return "", err
	}
	err = runUntilReady(ctx, confined{
		root: root, user: imageUser, folder: config.Config.WorkingDir, arguments: append(config.Config.Entrypoint, config.Config.Cmd...), environment: config.Config.Env,
	})
	return "runs as " + config.Config.User + " from its layout, and ends with status 0", errors.Join(err, contains(filepath.Join(root, stateFolder, "session_log.db"), "SQLite format 3"))
}

// confined is a collector in a root of its own, without a network.
type confined struct {
	root, folder           string
	user                   uint32
	arguments, environment []string
}

const startTimeout = 2 * time.Minute

// runUntilReady ends it by SIGTERM when it is ready, and wants status 0.
func runUntilReady(ctx context.Context, c confined) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	collector := exec.CommandContext(ctx, c.arguments[0], c.arguments[1:]...)
	collector.Dir, collector.Env = c.folder, c.environment
	collector.SysProcAttr = &syscall.SysProcAttr{Chroot: c.root, Credential: &syscall.Credential{Uid: c.user, Gid: c.user}, Cloneflags: syscall.CLONE_NEWNET}
	log, err := collector.StderrPipe()
	if err != nil {
		return err
	}
	if err := collector.Start(); err != nil {
		return err
	}
	var said strings.Builder
	isReady := false
	for lines := bufio.NewScanner(log); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if !isReady && strings.Contains(lines.Text(), "Everything is ready") {
			isReady = true
			_ = collector.Process.Signal(syscall.SIGTERM)
		}
	}
	if err := collector.Wait(); err != nil || !isReady {
		return fmt.Errorf("ready: %v, %w: %s", isReady, err, said.String())
	}
	return nil
}
