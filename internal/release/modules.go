package main

import (
	"cmp"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// ourModules begin the names of ours, which have the repository's licence and the release's version.
const ourModules = "github.com/otel-sessionlog/sessionlog"

// module is one that a program is made of.
type module struct {
	path, version string
	licences      []string // SPDX identifiers
	texts         []string // of the licences and notices that it brings
}

// standardLibrary stands for Go itself among the modules.
const standardLibrary = "std"

// programModules are those of a program on all platforms, by path, without ours.
func (r *release) programModules(program string) (modules []*module, err error) {
	known := map[string]*module{}
	for _, p := range r.platforms {
		info, err := buildinfo.ReadFile(r.program(p, program))
		if err != nil {
			return nil, err
		}
		known[standardLibrary] = &module{path: standardLibrary, version: info.GoVersion}
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			if !strings.HasPrefix(m.Path, ourModules) && !strings.HasPrefix(m.Path, ".") {
				known[m.Path] = &module{path: m.Path, version: m.Version}
			}
		}
	}
	return slices.SortedFunc(maps.Values(known), func(a, b *module) int { return cmp.Compare(a.path, b.path) }), nil
}

// readLicences refuses a module whose licence it does not know: a release must not have such.
func readLicences(ctx context.Context, modules []*module) error {
	folders, err := moduleFolders(ctx, modules)
	if err != nil {
		return err
	}
	var unknown []error
	for _, m := range modules {
		folder := folders[m.path]
		if m.path == standardLibrary {
			folder = runtime.GOROOT() //nolint:staticcheck // the release is made by go run, which sets it
		}
		if err := m.readTexts(folder); err != nil {
			return err
		}
		if len(m.licences) == 0 {
			unknown = append(unknown, fmt.Errorf("%s %s has no licence that is known: %s", m.path, m.version, folder))
		}
	}
	return errors.Join(unknown...)
}

// moduleFolders are those of the go command's cache, by path.
func moduleFolders(ctx context.Context, modules []*module) (map[string]string, error) {
	arguments := []string{"mod", "download", "-json"}
	for _, m := range modules {
		if m.path != standardLibrary {
			arguments = append(arguments, m.path+"@"+m.version)
		}
	}
	out, err := runIn(ctx, os.TempDir(), []string{"GOWORK=off", "GOFLAGS="}, "go", arguments...)
	if err != nil {
		return nil, err
	}
	folders := map[string]string{}
	for list := json.NewDecoder(strings.NewReader(string(out))); ; {
		var found struct{ Path, Dir string }
		if err := list.Decode(&found); errors.Is(err, io.EOF) {
			return folders, nil
		} else if err != nil {
			return nil, err
		}
		folders[found.Path] = found.Dir
	}
}

var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]es?|copying|notices?|patents|unlicense)([.-].*)?$`)

// patentsGrant is what the library calls a text of Google's that gives more than the licence beside it; SPDX has no identifier for it.
const patentsGrant = "GooglePatentsFile"

// readTexts reads the licences at the root of a module.
func (m *module) readTexts(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() || !licenceFile.MatchString(entry.Name()) || filepath.Ext(entry.Name()) == ".go" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return err
		}
		m.texts = append(m.texts, strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")))
		for _, match := range licensecheck.Scan(text).Match {
			if !match.IsURL && match.ID != patentsGrant && !slices.Contains(m.licences, match.ID) {
				m.licences = append(m.licences, match.ID)
			}
		}
	}
	slices.Sort(m.licences)
	return nil
}
