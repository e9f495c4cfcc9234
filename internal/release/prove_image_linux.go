package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// emulator runs programs of arm64 on another machine.
const emulator = "/usr/bin/qemu-aarch64-static"

// proveImage opens the layout, lays out the image, runs its command as it says, sends it a login, and asks its companion.
func proveImage(p platform) func(context.Context, *release) (string, error) {
	return func(ctx context.Context, r *release) (string, error) {
		temp, err := os.MkdirTemp("", "sessionlog-image")
		if err != nil {
			return "", err
		}
		defer func() { _ = os.RemoveAll(temp) }()
		root := filepath.Join(temp, "root")
		config, err := r.layOut(ctx, p, temp, root)
		if err != nil {
			return "", err
		}
		image := confined{root: root, user: imageUser, folder: config.WorkingDir, environment: config.Env}
		if p.arch != thisMachine.arch {
			if _, err := runIn(ctx, "/", nil, "install", "-D", emulator, root+emulator); err != nil {
				return "", err
			}
			image.before = []string{emulator}
		}
		login, err := r.pageCommands("docs/payloads.md", "curl")
		if err != nil {
			return "", err
		}
		err = image.runUntilReady(ctx, append(config.Entrypoint, config.Cmd...), func(process int) error {
			network := []string{"--net", "--target", strconv.Itoa(process), "sh", "-euc", "ip link set lo up\n" + login + "\ncurl -sf http://127.0.0.1:13133/ready"}
			if _, err := runIn(ctx, "/", nil, "nsenter", network...); err != nil {
				return err
			}
			return image.findsLogin(ctx)
		})
		return fmt.Sprintf("%s: takes a login as %s from its layout, its companion finds it, and it ends with status 0", p, config.User), err
	}
}

// layOut unpacks an image of the release into a root.
func (r *release) layOut(ctx context.Context, p platform, temp, root string) (v1.Config, error) {
	folder := filepath.Join(temp, "layout")
	if err := errors.Join(os.Chmod(temp, 0o755), os.Mkdir(folder, 0o755), os.Mkdir(root, 0o755)); err != nil {
		return v1.Config{}, err
	}
	if _, err := runIn(ctx, folder, nil, "tar", "-xf", r.file("otelcol-sessionlog_%s_oci.tar", r.version)); err != nil {
		return v1.Config{}, err
	}
	index, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return v1.Config{}, err
	}
	image, err := firstImage(index, p)
	if err != nil {
		return v1.Config{}, err
	}
	content := mutate.Extract(image)
	defer func() { _ = content.Close() }()
	unpack := exec.CommandContext(ctx, "tar", "-x", "-C", root)
	unpack.Stdin = content
	if said, err := unpack.CombinedOutput(); err != nil {
		return v1.Config{}, fmt.Errorf("%w: %s", err, said)
	}
	config, err := image.ConfigFile()
	if err != nil {
		return v1.Config{}, err
	}
	return config.Config, nil
}

// confined is a root with programs, without a network.
type confined struct {
	root, folder string
	user         uint32
	before       []string // stands before each command
	environment  []string
}

const startTimeout = 2 * time.Minute

func (c confined) command(ctx context.Context, arguments []string) *exec.Cmd {
	all := append(slices.Clone(c.before), arguments...)
	command := exec.CommandContext(ctx, all[0], all[1:]...)
	command.Dir, command.Env = c.folder, c.environment
	command.SysProcAttr = &syscall.SysProcAttr{Chroot: c.root, Credential: &syscall.Credential{Uid: c.user, Gid: c.user}, Cloneflags: syscall.CLONE_NEWNET}
	return command
}

// findsLogin asks the companion for the login of docs/payloads.md.
func (c confined) findsLogin(ctx context.Context) error {
	said, err := c.command(ctx, []string{"/usr/bin/sessionlog", "search", "--sqlite", "/" + stateFolder + "/session_log.db", "--user", "curl", "--output", "csv"}).CombinedOutput()
	if err != nil || !strings.Contains(string(said), "203.0.113.7") {
		return fmt.Errorf("the companion: %w: %s", err, said)
	}
	return nil
}

// runUntilReady runs a collector, does what is wanted with it once it is ready, and ends it by SIGTERM, which must give status 0.
func (c confined) runUntilReady(ctx context.Context, arguments []string, whenReady func(process int) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	collector := c.command(ctx, arguments)
	log, err := collector.StderrPipe()
	if err != nil {
		return err
	}
	if err := collector.Start(); err != nil {
		return err
	}
	var said strings.Builder
	var failed error
	isReady := false
	for lines := bufio.NewScanner(log); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if !isReady && strings.Contains(lines.Text(), "Everything is ready") {
			isReady = true
			failed = whenReady(collector.Process.Pid)
			_ = collector.Process.Signal(syscall.SIGTERM)
		}
	}
	if err := errors.Join(failed, collector.Wait()); err != nil || !isReady {
		return fmt.Errorf("ready: %v, %w: %s", isReady, err, said.String())
	}
	return nil
}
