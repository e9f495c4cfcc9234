package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// moduleProxy is a folder that GOPROXY=file:// takes. It has the modules as the working tree has them, at the version published, at which
// they require each other there.
type moduleProxy struct {
	root, folder        string
	required, published string
}

func (p moduleProxy) write(ctx context.Context, list []releasedModule) error {
	files, err := repositoryFiles(ctx, p.root)
	if err != nil {
		return err
	}
	for _, m := range list {
		escaped, err := module.EscapePath(m.path)
		if err != nil {
			return err
		}
		versions := filepath.Join(p.folder, filepath.FromSlash(escaped), "@v")
		if err := os.MkdirAll(versions, 0o750); err != nil {
			return err
		}
		if err := p.writeVersion(m, versions, files); err != nil {
			return fmt.Errorf("%s: %w", m.path, err)
		}
	}
	return nil
}

func (p moduleProxy) writeVersion(m releasedModule, versions string, files []string) error {
	definition, err := p.definition(m)
	if err != nil {
		return err
	}
	info, err := json.Marshal(map[string]any{"Version": p.published, "Time": time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		return err
	}
	start := filepath.Join(versions, p.published)
	for name, content := range map[string][]byte{filepath.Join(versions, "list"): []byte(p.published + "\n"), start + ".info": info, start + ".mod": definition} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return err
		}
	}
	archive, err := os.Create(start + ".zip") //nolint:gosec // in the folder that was asked for
	if err != nil {
		return err
	}
	err = zip.Create(archive, module.Version{Path: m.path, Version: p.published}, p.archiveFiles(m, files, start+".mod"))
	return errors.Join(err, archive.Close())
}

// definition is the module's go.mod.
func (p moduleProxy) definition(m releasedModule) ([]byte, error) {
	file, err := readModFile(m.folder)
	if err != nil {
		return nil, err
	}
	for _, r := range slices.Clone(file.Require) {
		if strings.HasPrefix(r.Mod.Path, ourModule) {
			if err := file.AddRequire(r.Mod.Path, p.published); err != nil {
				return nil, err
			}
		}
	}
	return file.Format()
}

const license = "LICENSE"

// archiveFiles are those below the module's folder; package zip leaves out the modules within it. The license is the root's, as the go
// command has it.
func (p moduleProxy) archiveFiles(m releasedModule, files []string, definition string) (list []zip.File) {
	for _, file := range files {
		file = filepath.Join(p.root, file)
		name, err := filepath.Rel(m.folder, file)
		switch {
		case err != nil:
		case name == "go.mod":
			list = append(list, archiveFile{name, definition})
		case filepath.IsLocal(name):
			list = append(list, archiveFile{filepath.ToSlash(name), file})
		case file == filepath.Join(p.root, license):
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

// archiveFile is a file of the working tree; content is what the archive has in its place.
type archiveFile struct{ name, file string }

func (f archiveFile) Path() string                 { return f.name }
func (f archiveFile) Lstat() (os.FileInfo, error)  { return os.Lstat(f.file) }
func (f archiveFile) Open() (io.ReadCloser, error) { return os.Open(f.file) }
