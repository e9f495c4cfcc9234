package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// proof is a check of what a release has made; what it returns is a person's to read.
type proof struct {
	name string
	run  func(context.Context, *release) (string, error)
}

var proofs = []proof{
	{"lintian", proveLintian},
	{"deb on a clean Debian", provePackage(debTool)},
	{"rpm on a clean root", provePackage(rpmTool)},
	{"apk", proveApk},
	{"package to the explorer", proveService},
	{"image in a chroot", proveImage(thisMachine)},
	{"image of arm64", proveImage(platform{"linux", "arm64"})},
	{"image to the explorer", proveContainer},
	{"clone to the explorer", proveClone},
	{"two builds", proveEqualBuilds},
}

// prove checks the release in dist, and appends a line for each proof to the results. What this commit has a line for is not done again.
func (r *release) prove(ctx context.Context, results string) error {
	commit, err := r.commit(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(r.isOfThisCommit(), hasTools()); err != nil {
		return err
	}
	for _, p := range proofs {
		if r.only != "" && r.only != p.name || hasLine(results, p.name, r.version, commit) {
			continue
		}
		start := time.Now()
		result, err := p.run(ctx, r)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Printf("%s: %s\n", p.name, result)
		if err := appendLine(results, []string{p.name, r.version, commit, strconv.Itoa(int(time.Since(start).Seconds())), result}); err != nil {
			return err
		}
	}
	return nil
}

const uncommitted = "-dirty"

// commit ends with uncommitted where the tree is not the commit's, but for what the proofs themselves have written.
func (r *release) commit(ctx context.Context) (string, error) {
	hash, err := runIn(ctx, r.root, nil, "git", "rev-parse", "--short=8", "HEAD")
	if err != nil {
		return "", err
	}
	changed, err := runIn(ctx, r.root, nil, "git", "status", "--porcelain", "--", ":(exclude)proofs")
	if err != nil {
		return "", err
	}
	commit := strings.TrimSpace(string(hash))
	if len(changed) > 0 {
		commit += uncommitted
	}
	return commit, nil
}

func hasTools() error {
	if os.Getuid() != 0 {
		return errors.New("the proofs install packages into a root of Debian, which only root can")
	}
	for _, tool := range []string{"curl", "debootstrap", "ip", "iptables", "lintian", "podman", emulator, "rpm", "runc", "systemd-nspawn"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w: make release-tools installs what the proofs need", err)
		}
	}
	return nil
}

// isOfThisCommit compares the times that the files have: those of their commit.
func (r *release) isOfThisCommit() error {
	archives, err := filepath.Glob(r.file("*.cdx.json"))
	if err != nil || len(archives) == 0 {
		return fmt.Errorf("no release in %s: make release first; %w", r.dist, err)
	}
	if err := requireText(archives[0], r.made.Format(time.RFC3339)); err != nil {
		return fmt.Errorf("%s is of another commit: make release first; %w", r.dist, err)
	}
	return nil
}

// hasLine says no of a commit that is not all committed: it may be another now.
func hasLine(results, proof, version, commit string) bool {
	text, err := os.ReadFile(results)
	return err == nil && strings.Contains("\n"+string(text), "\n"+strings.Join([]string{proof, version, commit}, ",")+",") && !strings.HasSuffix(commit, uncommitted)
}

func appendLine(results string, line []string) error {
	out, err := os.OpenFile(results, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	lines := csv.NewWriter(out)
	if size, err := out.Seek(0, io.SeekEnd); err == nil && size == 0 {
		_ = lines.Write([]string{"proof", "version", "commit", "seconds", "result"})
	}
	_ = lines.Write(line)
	lines.Flush()
	return lines.Error()
}

func proveLintian(ctx context.Context, r *release) (string, error) {
	debs, err := filepath.Glob(r.file("*.deb"))
	if err != nil || len(debs) == 0 {
		return "", fmt.Errorf("no deb in %s: %w", r.dist, err)
	}
	out, err := runIn(ctx, r.dist, nil, "lintian", append([]string{"--fail-on=error", "--allow-root"}, debs...)...)
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return fmt.Sprintf("no errors, %d warnings in %d debs", strings.Count("\n"+string(out), "\nW: "), len(debs)), nil
}

// proveEqualBuilds makes the release again in a clone in another folder.
func proveEqualBuilds(ctx context.Context, r *release) (string, error) {
	clone, err := os.MkdirTemp("", "sessionlog-clone")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(clone) }()
	if _, err := runIn(ctx, r.root, nil, "git", "clone", "-q", "--local", r.root, clone); err != nil {
		return "", err
	}
	again := *r
	again.root, again.dist, again.workFolder = clone, filepath.Join(clone, "dist"), filepath.Join(clone, ".cache", "release")
	again.buildCache = filepath.Join(r.workFolder, "second-build") // empty at first, and never that of the first
	if err := os.MkdirAll(again.dist, 0o755); err != nil {
		return "", err
	}
	if err := again.makeAll(ctx); err != nil {
		return "", err
	}
	first, err := os.ReadFile(r.file(sumsFile))
	if err != nil {
		return "", err
	}
	second, err := os.ReadFile(again.file(sumsFile))
	if err != nil {
		return "", err
	}
	if string(first) != string(second) {
		return "", fmt.Errorf("the sums differ (is all committed?):\n%s\n%s", first, second)
	}
	return fmt.Sprintf("%d files with the same sums from two folders; those of %s from two caches of the compiler, the others linked again", strings.Count(string(first), "\n"), thisMachine), nil
}
