package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// packageTool installs into a root that is not the machine's.
type packageTool struct {
	form    string
	install func(root, file string) []string // also an upgrade
	remove  func(root string) []string
	purge   func(root string) []string // also what a removal keeps; nil where there is no such thing
	kept    string                     // where a removal leaves a configuration that was changed
}

var debTool = packageTool{
	form:    "deb",
	install: func(root, file string) []string { return []string{"dpkg", "--root=" + root, "-i", file} },
	remove:  func(root string) []string { return []string{"dpkg", "--root=" + root, "-r", "otelcol-sessionlog"} },
	purge:   func(root string) []string { return []string{"dpkg", "--root=" + root, "-P", "otelcol-sessionlog"} },
	kept:    imageConfig,
}

// rpmTool does without what rpm's database says of Debian: nothing.
var rpmTool = packageTool{
	form:    "rpm",
	install: func(root, file string) []string { return []string{"rpm", "--root=" + root, "--nodeps", "-U", file} },
	remove: func(root string) []string {
		return []string{"rpm", "--root=" + root, "--nodeps", "-e", "otelcol-sessionlog"}
	},
	kept: imageConfig + ".rpmsave",
}

// provePackage installs, runs, upgrades and removes: what a person has changed and what the program has written stays.
func provePackage(tool packageTool) func(context.Context, *release) (string, error) {
	return func(ctx context.Context, r *release) (string, error) {
		root, remove, err := r.cleanRoot(ctx)
		if err != nil {
			return "", err
		}
		defer remove()
		packages, err := r.packagesOfTwoVersions(tool.form)
		if err != nil {
			return "", err
		}
		run := func(command []string) error {
			_, err := runIn(ctx, "/", nil, command[0], command[1:]...)
			return err
		}
		inRoot := func(name string) string { return filepath.Join(root, name) }
		database := inRoot(filepath.Join(stateFolder, "session_log.db"))
		const mine = "\n# a line of mine\n"
		steps := []struct {
			name string
			do   func() error
		}{
			{"install", func() error { return run(tool.install(root, packages[0])) }},
			{"run as its user", func() error { return runInstalled(ctx, root, r.version) }},
			{"change the configuration", func() error { return appendText(inRoot(imageConfig), mine) }},
			{"upgrade", func() error { return run(tool.install(root, packages[1])) }},
			{"keep the configuration", func() error { return contains(inRoot(imageConfig), mine) }},
			{"run again", func() error { return runInstalled(ctx, root, r.version) }},
			{"remove", func() error { return run(tool.remove(root)) }},
			{"remove the programs", func() error { return isGone(inRoot("usr/bin/otelcol-sessionlog")) }},
			{"keep what was changed", func() error { return contains(inRoot(tool.kept), mine) }},
			{"keep the table", func() error { return contains(database, "SQLite format 3") }},
		}
		for _, step := range steps {
			if err := step.do(); err != nil {
				return "", fmt.Errorf("%s: %w", step.name, err)
			}
		}
		if tool.purge != nil {
			if err := errors.Join(run(tool.purge(root)), isGone(inRoot(imageConfig)), contains(database, "SQLite format 3")); err != nil {
				return "", fmt.Errorf("purge: %w", err)
			}
		}
		return "installed, run as its user, upgraded, removed; table and changed configuration kept", nil
	}
}

// packagesOfTwoVersions are this machine's package of the release, and the same programs as a later version's.
func (r *release) packagesOfTwoVersions(form string) (files [2]string, err error) {
	if err := os.Chdir(r.root); err != nil {
		return files, err
	}
	core, _, _ := strings.Cut(r.version, "-")
	for i, version := range []string{r.version, core[:strings.LastIndex(core, ".")+1] + "999"} {
		one := *r
		one.version, one.dist = version, filepath.Join(r.workFolder, "proof", strings.ReplaceAll(version, ".", "_"))
		if err := os.MkdirAll(one.dist, 0o755); err != nil {
			return files, err
		}
		if files[i], err = one.writePackage(thisMachine, form); err != nil {
			return files, err
		}
	}
	return files, nil
}

// runInstalled runs the service's command as the service's user, without a network.
func runInstalled(ctx context.Context, root, version string) error {
	user, err := findUser(root)
	if err != nil {
		return err
	}
	folder, err := os.Stat(filepath.Join(root, stateFolder))
	if err != nil {
		return err
	}
	if owner := folder.Sys().(*syscall.Stat_t).Uid; owner != user || folder.Mode().Perm() != 0o700 {
		return fmt.Errorf("/%s is of user %d, mode %v, and not of %d alone", stateFolder, owner, folder.Mode(), user)
	}
	said, err := runIn(ctx, "/", nil, "chroot", root, "/usr/bin/otelcol-sessionlog", "--version")
	if err != nil || !strings.Contains(string(said), "v"+version) {
		return fmt.Errorf("--version says %q: %w", said, err)
	}
	return runUntilReady(ctx, confined{
		root: root, user: user, folder: "/", arguments: []string{"/usr/bin/otelcol-sessionlog", "--config", "/" + imageConfig}, environment: []string{"PATH=/usr/bin:/bin"},
	})
}

func findUser(root string) (uint32, error) {
	accounts, err := os.ReadFile(filepath.Join(root, "etc", "passwd"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(accounts)) {
		if rest, ok := strings.CutPrefix(line, "otelcol-sessionlog:x:"); ok {
			var user uint32
			_, err := fmt.Sscanf(rest, "%d", &user)
			return user, err
		}
	}
	return 0, errors.New("the user was not made")
}

func appendText(file, text string) error {
	out, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, text)
	return errors.Join(err, out.Close())
}

func contains(file, text string) error {
	content, err := os.ReadFile(file)
	if err == nil && !strings.Contains(string(content), text) {
		return fmt.Errorf("%s has lost %q", file, text)
	}
	return err
}

func isGone(file string) error {
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s is still there", file)
	}
	return nil
}
