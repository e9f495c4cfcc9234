package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// debian is a kind of Debian 12, made once by debootstrap and copied for each proof.
type debian struct{ name, packages string }

var (
	bareDebian = debian{"debian", "procps,busybox-static"}
	// serverDebian has what docs/first-hour.md installs.
	serverDebian = debian{"server", "systemd-sysv,dbus,procps,postgresql,openssh-server,curl,sqlite3,ca-certificates"}
)

// cleanRoot is a copy of a Debian that nothing else was installed in.
func (r *release) cleanRoot(ctx context.Context, kind debian) (root string, remove func(), err error) {
	base := filepath.Join(r.workFolder, kind.name)
	if _, err := os.Stat(base); err != nil {
		if err := os.RemoveAll(base + ".new"); err != nil {
			return "", nil, err
		}
		_, err := runIn(ctx, r.root, nil, "debootstrap", "--variant=minbase", "--include="+kind.packages, "bookworm", base+".new", "http://deb.debian.org/debian")
		if err != nil {
			return "", nil, err
		}
		if err := os.Rename(base+".new", base); err != nil {
			return "", nil, err
		}
	}
	temp, err := os.MkdirTemp("", "sessionlog-root")
	if err != nil {
		return "", nil, err
	}
	root = filepath.Join(temp, "debian")
	_, err = runIn(ctx, r.root, nil, "cp", "-a", base, root)
	return root, func() { _ = os.RemoveAll(temp) }, err
}

// bootedDebian is a root in which systemd runs, without a network.
type bootedDebian struct {
	container *exec.Cmd
	systemd   string // its process id
}

const bootTimeout = time.Minute

func bootDebian(ctx context.Context, root string) (*bootedDebian, error) {
	d := &bootedDebian{container: exec.CommandContext(ctx, "systemd-nspawn", "--quiet", "--directory="+root, "--register=no", "--keep-unit", "--private-network", "--boot")}
	d.container.Cancel = func() error { return d.container.Process.Signal(syscall.SIGTERM) } // which it passes on
	d.container.WaitDelay = bootTimeout
	if err := d.container.Start(); err != nil {
		return nil, err
	}
	said := ""
	for deadline := time.Now().Add(bootTimeout); time.Now().Before(deadline); time.Sleep(time.Second / 2) {
		if d.systemd = firstChild(d.container.Process.Pid); d.systemd == "" {
			continue
		}
		out, _ := d.command(ctx, "systemctl", "is-system-running").CombinedOutput() // its status is of no use
		if said = strings.TrimSpace(string(out)); said == "running" || said == "degraded" {
			return d, nil
		}
	}
	d.stop()
	return nil, fmt.Errorf("systemd has not started in %s: %s", root, said)
}

func firstChild(process int) string {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", process))
	if err != nil || len(children) == 0 {
		return ""
	}
	return strings.Fields(string(children))[0]
}

func (d *bootedDebian) command(ctx context.Context, arguments ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "nsenter", append([]string{"--target", d.systemd, "--all", "--wdns=/root"}, arguments...)...)
}

func (d *bootedDebian) stop() {
	_ = d.container.Process.Signal(syscall.SIGTERM)
	last := time.AfterFunc(bootTimeout, func() {
		if systemd, err := strconv.Atoi(d.systemd); err == nil {
			_ = syscall.Kill(systemd, syscall.SIGKILL)
		}
		_ = d.container.Process.Kill()
	})
	defer last.Stop()
	_ = d.container.Wait() // it says how systemd ended, not whether
}
