package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// eachAlone gives do, for each module, a go.mod for the flag -modfile: the module's own, in which ours are replaced by their folders.
func eachAlone(list []releasedModule, do func(m releasedModule, modFile string) error) error {
	for _, m := range list {
		dir, err := os.MkdirTemp("", "modules-")
		if err != nil {
			return err
		}
		err = m.writeModFile(filepath.Join(dir, "go.mod"), list)
		if err == nil {
			err = do(m, filepath.Join(dir, "go.mod"))
		}
		if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
			return fmt.Errorf("%s: %w", m.path, err)
		}
	}
	return nil
}

func (m releasedModule) writeModFile(name string, list []releasedModule) error {
	file, err := readModFile(m.folder)
	if err != nil {
		return err
	}
	for _, other := range list {
		folder, err := filepath.Abs(other.folder)
		if err != nil {
			return err
		}
		if other.path != m.path && requires(file, other.path) {
			if err := file.AddReplace(other.path, "", folder, ""); err != nil {
				return err
			}
		}
	}
	if err := writeModFile(name, file); err != nil {
		return err
	}
	sums, err := os.ReadFile(filepath.Join(m.folder, "go.sum"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(sumFile(name), sums, 0o600)
}

func requires(file *modfile.File, path string) bool {
	return slices.ContainsFunc(file.Require, func(r *modfile.Require) bool { return r.Mod.Path == path })
}

func writeModFile(name string, file *modfile.File) error {
	file.Cleanup()
	text, err := file.Format()
	if err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o644) //nolint:gosec // as the go command writes it
}

// sumFile is where the go command looks for the sums of a -modfile.
func sumFile(modFile string) string { return modFile[:len(modFile)-len(".mod")] + ".sum" }

// tidy goes on where a test of somebody else's package cannot be had (-e): whether our packages build is for goAlone to say.
func (m releasedModule) tidy(ctx context.Context, modFile string) error {
	if err := m.goAlone(ctx, modFile, "mod", "tidy", "-e"); err != nil {
		return err
	}
	file, err := parseModFile(modFile)
	if err != nil {
		return err
	}
	for _, r := range slices.Clone(file.Replace) {
		if err := file.DropReplace(r.Old.Path, r.Old.Version); err != nil {
			return err
		}
	}
	sums, err := os.ReadFile(sumFile(modFile)) //nolint:gosec // just written
	if err != nil {
		return err
	}
	return errors.Join(writeModFile(filepath.Join(m.folder, "go.mod"), file), os.WriteFile(filepath.Join(m.folder, "go.sum"), sums, 0o644)) //nolint:gosec // as the go command writes it
}

// goAlone runs the go command in the module's folder.
func (m releasedModule) goAlone(ctx context.Context, modFile string, args ...string) error {
	at := 1
	if args[0] == "mod" {
		at = 2
	}
	command := exec.CommandContext(ctx, "go", slices.Insert(slices.Clone(args), at, "-modfile="+modFile)...) //nolint:gosec // the go command
	command.Dir = m.folder
	command.Env = append(os.Environ(), "GOWORK=off")
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	return command.Run()
}

// packages are all that the module's packages and tests import, each with the version of its module unless that is ours.
func (m releasedModule) packages(ctx context.Context, env string, flags ...string) ([]string, error) {
	args := append([]string{"list", "-deps", "-test", "-f", "{{.ImportPath}}{{with .Module}} {{.Path}} {{.Version}}{{end}}"}, flags...)
	command := exec.CommandContext(ctx, "go", append(args, "./...")...) //nolint:gosec // the go command
	command.Dir = m.folder
	command.Env = append(os.Environ(), env)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ourModule) {
			lines[i], _, _ = strings.Cut(line, " ")
		}
	}
	slices.Sort(lines)
	return lines, nil
}
