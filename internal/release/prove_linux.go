package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
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
	{"image in a chroot", proveImage},
	{"two builds", proveEqualBuilds},
}

// prove checks the release in dist, and appends a line for each proof to the results.
func (r *release) prove(ctx context.Context, results string) error {
	commit, err := runIn(ctx, r.root, nil, "git", "describe", "--always", "--dirty")
	if err != nil {
		return err
	}
	for _, p := range proofs {
		start := time.Now()
		result, err := p.run(ctx, r)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Printf("%s: %s\n", p.name, result)
		line := []string{p.name, r.version, strings.TrimSpace(string(commit)), strconv.Itoa(int(time.Since(start).Seconds())), result}
		if err := appendLine(results, line); err != nil {
			return err
		}
	}
	return nil
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
	return fmt.Sprintf("%d files with the same sums, in two folders", strings.Count(string(first), "\n")), nil
}

// cleanRoot is a copy of a Debian that nothing else was installed in.
func (r *release) cleanRoot(ctx context.Context) (root string, remove func(), err error) {
	base := filepath.Join(r.workFolder, "debian")
	if _, err := os.Stat(base); err != nil {
		_, err := runIn(ctx, r.root, nil, "debootstrap", "--variant=minbase", "--include=procps", "bookworm", base+".new", "http://deb.debian.org/debian")
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
