package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// ourModule is the module at the repository's root, and the beginning of every other one's path.
const ourModule = "github.com/otel-sessionlog/sessionlog"

// releasedModule is a module that go.work names: a tag releases it.
type releasedModule struct{ folder, path string }

// releasedModules are in the order of go.work.
func releasedModules(root string) ([]releasedModule, error) {
	name := filepath.Join(root, "go.work")
	text, err := os.ReadFile(name) //nolint:gosec // the repository's own file
	if err != nil {
		return nil, err
	}
	work, err := modfile.ParseWork(name, text, nil)
	if err != nil {
		return nil, err
	}
	var list []releasedModule
	for _, use := range work.Use {
		folder := filepath.Join(root, use.Path)
		file, err := readModFile(folder)
		if err != nil {
			return nil, err
		}
		list = append(list, releasedModule{folder, file.Module.Mod.Path})
	}
	return list, nil
}

func readModFile(folder string) (*modfile.File, error) {
	return parseModFile(filepath.Join(folder, "go.mod"))
}

func parseModFile(name string) (*modfile.File, error) {
	text, err := os.ReadFile(name) //nolint:gosec // the repository's own file
	if err != nil {
		return nil, err
	}
	return modfile.Parse(name, text, nil)
}

// releaseTag names a version of the module in the repository.
func (m releasedModule) releaseTag(version string) string {
	return strings.TrimPrefix(strings.TrimPrefix(m.path, ourModule)+"/"+version, "/")
}

// requiredVersion is the one version at which our modules require each other.
func requiredVersion(list []releasedModule) (version string, err error) {
	for i, m := range list {
		file, err := readModFile(m.folder)
		if err != nil {
			return "", err
		}
		if len(file.Replace) > 0 {
			return "", fmt.Errorf("%s/go.mod has a replace: go install refuses such a module", m.folder)
		}
		for _, r := range file.Require {
			if !strings.HasPrefix(r.Mod.Path, ourModule) {
				continue
			}
			if !slices.ContainsFunc(list[:i], func(m releasedModule) bool { return m.path == r.Mod.Path }) {
				return "", fmt.Errorf("%s requires %s, which stands below it in go.work or not at all: it must have its tag first", m.path, r.Mod.Path)
			}
			if version != "" && r.Mod.Version != version {
				return "", fmt.Errorf("%s requires %s, another module requires ours at %s", m.path, r.Mod, version)
			}
			version = r.Mod.Version
		}
	}
	if version == "" {
		return "", errors.New("no module requires another")
	}
	return version, nil
}
