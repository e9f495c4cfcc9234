package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/otel-sessionlog/sessionlog/testengine/engines"
)

// binary is the path of the program postgres; initdb lies beside it. It wraps engines.ErrMissing.
//
// The engines of root lie in root's home, which the server's user cannot enter: then it is a copy in the temporary folder, made once.
func binary(engine engines.Engine) (string, error) {
	installed, err := engine.Find()
	if err != nil {
		return "", err
	}
	closed, err := closedTo(filepath.Dir(installed))
	if closed == "" || err != nil {
		return installed, err
	}
	public := filepath.Join(os.TempDir(), "sessionlog-postgresql-"+engine.Version)
	copied := filepath.Join(public, filepath.FromSlash(engine.File))
	if err := trusted(public, copied, engine.Size); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return copied, err
	}
	temp, err := os.MkdirTemp(os.TempDir(), "sessionlog-postgresql-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	if err := os.Chmod(temp, 0o755); err != nil {
		return "", err
	}
	relative := filepath.Dir(filepath.Dir(filepath.FromSlash(engine.File))) // native: bin, lib and share
	if err := mirror(filepath.Dir(filepath.Dir(installed)), filepath.Join(temp, relative)); err != nil {
		return "", fmt.Errorf("copy of PostgreSQL for the user nobody: %w", err)
	}
	if err := os.Rename(temp, public); err != nil && !errors.Is(err, fs.ErrExist) { // another process was quicker: as good as ours
		return "", err
	}
	return copied, trusted(public, copied, engine.Size)
}

// trusted refuses a folder that somebody else could have put, or could change, where ours belongs.
func trusted(public, copied string, size int64) error {
	info, err := os.Lstat(public)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(stat.Uid) != os.Getuid() || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s is not this user's own folder: remove it", public)
	}
	file, err := os.Stat(copied)
	if err != nil || file.Size() != size {
		return fmt.Errorf("%s is not whole: remove it", public)
	}
	return nil
}

// mirror makes the same tree by hard links, or copies where the temporary folder is on another file system.
func mirror(from, to string) error {
	var c fileCopier
	return filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		switch {
		case entry.IsDir():
			return os.MkdirAll(target, 0o755)
		case entry.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(name)
			if err != nil {
				return err
			}
			return os.Symlink(link, target)
		case os.Link(name, target) == nil:
			return nil
		}
		return c.copyFile(name, target, 0o755)
	})
}
