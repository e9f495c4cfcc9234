package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// proveContainer runs the image by Podman, as docs/deploy.md says, and sends it a login.
func proveContainer(ctx context.Context, r *release) (string, error) {
	temp, err := os.MkdirTemp("", "sessionlog-podman")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	commands, err := r.pageCommands(deployPage, "An image")
	if err != nil {
		return "", err
	}
	login, err := r.pageCommands("docs/payloads.md", "curl")
	if err != nil {
		return "", err
	}
	// What a machine without cgroups of version 2 and an overlay needs.
	settings := "[engine]\nruntime = \"runc\"\n[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n"
	storage := fmt.Sprintf("[storage]\ndriver = \"vfs\"\ngraphroot = %q\nrunroot = %q\n", filepath.Join(temp, "images"), filepath.Join(temp, "run"))
	for name, text := range map[string]string{"containers.conf": settings, "storage.conf": storage} {
		if err := os.WriteFile(filepath.Join(temp, name), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	seconds, err := secondsToExplorer(ctx, r.dist, []string{"CONTAINERS_CONF=" + filepath.Join(temp, "containers.conf"), "CONTAINERS_STORAGE_CONF=" + filepath.Join(temp, "storage.conf")},
		commands+"until curl -sf http://127.0.0.1:13133/ready; do sleep 0.1; done\n"+login, "events", "podman stop sessionlog\n[ \"$(podman wait sessionlog)\" = 0 ]\n")
	return fmt.Sprintf("%s s from the layout to a login in the explorer by the commands of %s, with Podman", seconds, deployPage), err
}

// proveClone compiles everything, as one does who has just cloned.
func proveClone(ctx context.Context, r *release) (string, error) {
	temp, err := os.MkdirTemp(r.workFolder, "clone")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	commands, err := r.pageCommands(deployPage, "A clone")
	if err != nil {
		return "", err
	}
	environment := []string{"GOWORK=", "GOCACHE=" + filepath.Join(temp, "cache"), "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url." + r.root + ".insteadOf", "GIT_CONFIG_VALUE_0=https://" + ourModules}
	seconds, err := secondsToExplorer(ctx, temp, environment, strings.TrimSpace(commands)+" &\n", "events?from=2000-01-01", "")
	return fmt.Sprintf("%s s from git clone to logins in the explorer by the commands of %s, the modules downloaded before, nothing compiled", seconds, deployPage), err
}

// secondsToExplorer runs commands in a network of their own, and others after the explorer has shown a login. Nothing of them is left.
func secondsToExplorer(ctx context.Context, folder string, environment []string, commands, question, afterwards string) (string, error) {
	script := "ip link set lo up\nbegan=$(date +%s)\n" + commands +
		"\nuntil curl -s -H \"Authorization: Bearer ${EXPLORER_TOKEN:-none}\" 'http://127.0.0.1:8127/api/v1/" + question + "' | grep -q '\"record_id\"'; do [ -z \"${!:-}\" ] || kill -0 $!; sleep 0.1; done\n" +
		"echo; echo \"seconds: $(($(date +%s) - began))\"\n" + afterwards
	command := exec.CommandContext(ctx, "unshare", "--net", "--mount-proc", "--pid", "--fork", "--kill-child", "timeout", "1800", "sh", "-euc", script)
	command.Dir, command.Env = folder, append(os.Environ(), environment...)
	said, err := command.CombinedOutput()
	seconds := regexp.MustCompile(`(?m)^seconds: (\d+)$`).FindSubmatch(said)
	if err != nil || seconds == nil {
		return "", fmt.Errorf("%w: %s", err, said)
	}
	return string(seconds[1]), nil
}
