package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// packageTool installs into a root that is not the machine's.
type packageTool struct {
	form    string
	pattern string                           // of the file's name, with this machine's architecture
	install func(root, file string) []string // also an upgrade
	goBack  func(root, file string) []string // to an older version
	remove  func(root string) []string
	purge   func(root string) []string // also what a removal keeps; nil where there is no such thing
	kept    string                     // where a removal leaves a configuration that was changed
}

var debTool = packageTool{
	form:    "deb",
	pattern: "*_" + runtime.GOARCH + ".deb",
	install: func(root, file string) []string { return []string{"dpkg", "--root=" + root, "-i", file} },
	goBack:  func(root, file string) []string { return []string{"dpkg", "--root=" + root, "-i", file} },
	remove:  func(root string) []string { return []string{"dpkg", "--root=" + root, "-r", "otelcol-sessionlog"} },
	purge:   func(root string) []string { return []string{"dpkg", "--root=" + root, "-P", "otelcol-sessionlog"} },
	kept:    imageConfig,
}

// otherName is that of this machine's architecture outside of Go and Debian.
var otherName = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]

// rpmTool does without what rpm's database says of Debian: nothing.
var rpmTool = packageTool{
	form:    "rpm",
	pattern: "*." + otherName + ".rpm",
	install: func(root, file string) []string { return []string{"rpm", "--root=" + root, "--nodeps", "-U", file} },
	goBack: func(root, file string) []string {
		return []string{"rpm", "--root=" + root, "--nodeps", "-U", "--oldpackage", file}
	},
	remove: func(root string) []string {
		return []string{"rpm", "--root=" + root, "--nodeps", "-e", "otelcol-sessionlog"}
	},
	kept: imageConfig + ".rpmsave",
}

// proofStep is one of a proof in which each needs those before.
type proofStep struct {
	name string
	do   func() error
}

func doSteps(steps []proofStep) error {
	for _, step := range steps {
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

// provePackage installs, runs, upgrades, goes back and removes: what a person has changed and what the program has written stays.
func provePackage(tool packageTool) func(context.Context, *release) (string, error) {
	return func(ctx context.Context, r *release) (string, error) {
		root, remove, err := r.cleanRoot(ctx, bareDebian)
		if err != nil {
			return "", err
		}
		defer remove()
		first, later, err := r.packagesOfTwoVersions(ctx, tool)
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
		err = doSteps([]proofStep{
			{"install", func() error { return run(tool.install(root, first.file)) }},
			{"run as its user", func() error { return runInstalled(ctx, root, first.version) }},
			{"change the configuration", func() error { return appendText(inRoot(imageConfig), mine) }},
			{"upgrade", func() error { return run(tool.install(root, later.file)) }},
			{"keep the configuration", func() error { return requireText(inRoot(imageConfig), mine) }},
			{"run again", func() error { return runInstalled(ctx, root, later.version) }},
			{"roll back", func() error { return run(tool.goBack(root, first.file)) }},
			{"run on the table of the later version", func() error { return runInstalled(ctx, root, first.version) }},
			{"remove", func() error { return run(tool.remove(root)) }},
			{"remove the programs", func() error { return requireGone(inRoot("usr/bin/otelcol-sessionlog")) }},
			{"keep what was changed", func() error { return requireText(inRoot(tool.kept), mine) }},
			{"keep the table", func() error { return requireText(database, sqliteMark) }},
		})
		if err == nil && tool.purge != nil {
			err = errors.Join(run(tool.purge(root)), requireGone(inRoot(imageConfig)), requireText(database, sqliteMark))
		}
		return "installed, run as its user, upgraded, rolled back, removed; table and changed configuration kept", err
	}
}

const sqliteMark = "SQLite format 3" // begins a database

// proveApk unpacks it and runs its scripts as apk does, which Debian has not.
func proveApk(ctx context.Context, r *release) (string, error) {
	root, remove, err := r.cleanRoot(ctx, bareDebian)
	if err != nil {
		return "", err
	}
	defer remove()
	files, err := filepath.Glob(r.file("*_%s.apk", otherName))
	if err != nil || len(files) != 1 {
		return "", fmt.Errorf("one apk of this machine's in %s: %v, %w", r.dist, files, err)
	}
	script := func(name string) func() error {
		return func() error {
			_, err := runIn(ctx, "/", nil, "chroot", root, "/bin/busybox", "sh", "/"+name, r.version)
			return err
		}
	}
	err = doSteps([]proofStep{
		{"unpack", func() error { _, err := runIn(ctx, root, nil, "tar", "-xzf", files[0]); return err }},
		{"after the installation", script(".post-install")},
		{"run as its user", func() error { return runInstalled(ctx, root, r.version) }},
		{"after an upgrade", script(".post-upgrade")},
		{"before a removal", script(".pre-deinstall")},
		{"after a removal", script(".post-deinstall")},
		{"keep the table", func() error { return requireText(filepath.Join(root, stateFolder, "session_log.db"), sqliteMark) }},
	})
	return "unpacked, its scripts run by busybox in a Debian, run as its user; not by apk", err
}

// builtPackage is a file of this machine's architecture.
type builtPackage struct{ file, version string }

// packagesOfTwoVersions are that of the release, and one of the same commit under a later version.
func (r *release) packagesOfTwoVersions(ctx context.Context, tool packageTool) (first, later builtPackage, err error) {
	if r.later == nil {
		if r.later, err = r.makeLater(ctx); err != nil {
			return first, later, err
		}
	}
	first, err = r.findPackage(tool)
	if err != nil {
		return first, later, err
	}
	later, err = r.later.findPackage(tool)
	return first, later, err
}

func (r *release) makeLater(ctx context.Context) (*release, error) {
	next := *r
	core, _, _ := strings.Cut(r.version, "-")
	next.version = core[:strings.LastIndex(core, ".")+1] + "999"
	next.workFolder = filepath.Join(r.workFolder, "later")
	next.dist = filepath.Join(next.workFolder, "dist")
	next.platforms = []platform{thisMachine}
	return &next, errors.Join(os.MkdirAll(next.dist, 0o755), next.buildPrograms(ctx), next.writeContents(ctx), next.writePackages(ctx))
}

func (r *release) findPackage(tool packageTool) (builtPackage, error) {
	files, err := filepath.Glob(r.file("*%s%s", r.version, tool.pattern))
	if err != nil || len(files) != 1 {
		return builtPackage{}, fmt.Errorf("one %s of this machine's in %s: %v, %w", tool.form, r.dist, files, err)
	}
	return builtPackage{files[0], r.version}, nil
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
	installed := confined{root: root, user: user, folder: "/", environment: []string{"PATH=/usr/bin:/bin"}}
	return installed.runUntilReady(ctx, []string{"/usr/bin/otelcol-sessionlog", "--config", "/" + imageConfig}, func(int) error { return nil })
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

func requireText(file, text string) error {
	content, err := os.ReadFile(file)
	if err == nil && !strings.Contains(string(content), text) {
		return fmt.Errorf("%s has lost %q", file, text)
	}
	return err
}

func requireGone(file string) error {
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s is still there", file)
	}
	return nil
}
