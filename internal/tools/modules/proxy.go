package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// writeProxy makes a folder that GOPROXY=file:// takes, of the modules as the working tree has them.
func writeProxy(ctx context.Context, root, dir, version string, list []releasedModule) error {
	files, err := repositoryFiles(ctx, root)
	if err != nil {
		return err
	}
	for _, m := range list {
		escaped, err := module.EscapePath(m.path)
		if err != nil {
			return err
		}
		versions := filepath.Join(dir, filepath.FromSlash(escaped), "@v")
		if err := os.MkdirAll(versions, 0o750); err != nil {
			return err
		}
		if err := m.writeVersion(root, versions, version, files); err != nil {
			return fmt.Errorf("%s: %w", m.path, err)
		}
	}
	return nil
}

func (m releasedModule) writeVersion(root, versions, version string, files []string) error {
	definition, err := os.ReadFile(filepath.Join(m.folder, "go.mod")) //nolint:gosec // the repository's own file
	if err != nil {
		return err
	}
	info, err := json.Marshal(map[string]any{"Version": version, "Time": time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	if err := zip.Create(&archive, module.Version{Path: m.path, Version: version}, m.archiveFiles(root, files)); err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"list": []byte(version + "\n"), version + ".info": info, version + ".mod": definition, version + ".zip": archive.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(versions, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

const license = "LICENSE"

// archiveFiles are those below the module's folder; package zip leaves out the modules within it. The license is the root's, as the go
// command has it.
func (m releasedModule) archiveFiles(root string, files []string) (list []zip.File) {
	for _, file := range files {
		file = filepath.Join(root, file)
		name, err := filepath.Rel(m.folder, file)
		switch {
		case err != nil:
		case filepath.IsLocal(name):
			list = append(list, archiveFile{filepath.ToSlash(name), file})
		case file == filepath.Join(root, license):
			list = append(list, archiveFile{license, file})
		}
	}
	return list
}

// repositoryFiles are those that git knows or would add.
func repositoryFiles(ctx context.Context, root string) (list []string, err error) {
	command := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	command.Dir = root
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if _, err := os.Lstat(filepath.Join(root, name)); !errors.Is(err, fs.ErrNotExist) {
			list = append(list, name)
		}
	}
	return list, nil
}

type archiveFile struct{ name, file string }

func (f archiveFile) Path() string                 { return f.name }
func (f archiveFile) Lstat() (os.FileInfo, error)  { return os.Lstat(f.file) }
func (f archiveFile) Open() (io.ReadCloser, error) { return os.Open(f.file) }
