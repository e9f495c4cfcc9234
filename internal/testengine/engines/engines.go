// Package engines knows the real servers that tests run against: which exact build, where it comes from, where it is kept.
//
// They live outside the repository, in the folder that SESSIONLOG_ENGINES names, by default sessionlog/engines in the user's cache
// folder. Install puts them there; everything else only looks.
package engines

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// EnvDir names the environment variable for the folder of all engines.
const EnvDir = "SESSIONLOG_ENGINES"

// ErrMissing is wrapped by Find's error when the engine is not installed, or cannot be on this machine.
var ErrMissing = errors.New("engine missing")

// Engine is one pinned build out of an npm package.
type Engine struct {
	Name    string // as a person calls it
	Package string // npm package
	Version string // exact npm version: patches and checksums hold for this build only
	Library string // the one file of the package that is used
	Size    int64  // of Library, in bytes
	SHA256  string // of Library, in hex
	Fetch   string // what a first install costs, for people
}

// ClickHouse 26.7 as a library (chDB, Apache-2.0): the whole server for Linux x86-64 with glibc.
var ClickHouse = Engine{
	Name:    "ClickHouse",
	Package: "@chdb/lib-linux-x64-gnu",
	Version: "26.7.3-stable.1",
	Library: "libchdb.so",
	Size:    566330096,
	SHA256:  "36ad4e999882821ef13cf2d0f52c93f48e6ee1b4498b35a201c23ce4b8d15bf5",
	Fetch:   "170 MiB to fetch, 540 MiB on disk",
}

// All is what Install installs.
var All = []Engine{ClickHouse}

// Dir is the folder of all engines. It need not exist.
func Dir() (string, error) {
	if dir := os.Getenv(EnvDir); dir != "" {
		return filepath.Abs(dir)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder for the engines: %w; set %s to a folder", err, EnvDir)
	}
	return filepath.Join(cache, "sessionlog", "engines"), nil
}

// folder is the engine's own below dir. A new version gets a new one, so that two checkouts can share the cache.
func (e Engine) folder(dir string) string {
	return filepath.Join(dir, strings.ToLower(e.Name)+"-"+e.Version)
}

// Find is the path of the engine's library. It compares the size only: Install has compared the checksum.
func (e Engine) Find() (string, error) {
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	library := filepath.Join(e.folder(dir), e.Library)
	info, err := os.Stat(library)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s %s: %w: %w; run 'make engines'", e.Name, e.Version, ErrMissing, err)
	case info.Size() != e.Size:
		return "", fmt.Errorf("%s %s: %w: %s has %d bytes, want %d; remove its folder and run 'make engines'",
			e.Name, e.Version, ErrMissing, library, info.Size(), e.Size)
	}
	return library, nil
}
