package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

//go:embed prove_service.sh
var serviceScript []byte

// proveService follows a package from its installation to its purge where systemd runs it.
func proveService(ctx context.Context, r *release) (string, error) {
	root, remove, err := r.cleanRoot(ctx, serverDebian)
	if err != nil {
		return "", err
	}
	defer remove()
	first, later, err := r.packagesOfTwoVersions(ctx, debTool)
	if err != nil {
		return "", err
	}
	files := map[string][]byte{"prove_service.sh": serviceScript}
	for name, section := range map[string]string{"package.sh": "A package", "login.sh": "A first login"} {
		commands, err := r.pageCommands(deployPage, section)
		if err != nil {
			return "", err
		}
		files[name] = []byte(commands)
	}
	for _, one := range []builtPackage{first, later} {
		if files[filepath.Base(one.file)], err = os.ReadFile(one.file); err != nil {
			return "", err
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(root, "root", name), text, 0o644); err != nil {
			return "", err
		}
	}
	booted, err := bootDebian(ctx, root)
	if err != nil {
		return "", err
	}
	defer booted.stop()
	script := booted.command(ctx, "sh", "prove_service.sh", filepath.Base(first.file), first.version, filepath.Base(later.file), later.version)
	script.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}
	said, err := script.CombinedOutput()
	if err := os.WriteFile(filepath.Join(r.workFolder, "prove_service.log"), said, 0o600); err != nil {
		return "", err
	}
	seconds := regexp.MustCompile(`(?m)^seconds: (\d+)$`).FindSubmatch(said)
	if err != nil || seconds == nil {
		return "", fmt.Errorf("%w: %s", err, said)
	}
	return fmt.Sprintf("%s s from the package to logins in the explorer by the commands of %s; %d steps of prove_service.sh", seconds[1], deployPage, bytes.Count(said, []byte("step: "))), nil
}
