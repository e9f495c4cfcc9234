package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/otel-sessionlog/sessionlog/testengine/engines"
)

const launcherPackage = "github.com/otel-sessionlog/sessionlog/testengine/launcher"

// launcher is the path of the launcher's binary, built at most once per process.
var launcher = sync.OnceValues(buildLauncher)

// buildLauncher keeps the binary beside the engines under a name made of its sources, so that all test processes share one build
// and an edit makes a new one. It is its own program because the engine takes over the process it is loaded into.
func buildLauncher() (string, error) {
	dir, err := engines.Dir()
	if err != nil {
		return "", err
	}
	sources, err := sourceDir()
	if err != nil {
		return "", err
	}
	key, err := hashSources(sources, filepath.Join(sources, "..", "port"))
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "launcher-"+key)
	if _, err := os.Stat(binary); !errors.Is(err, fs.ErrNotExist) {
		return binary, err
	}
	temp, err := os.MkdirTemp(dir, ".building-")
	if err != nil {
		return "", fmt.Errorf("build the launcher: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }()
	built := filepath.Join(temp, "launcher")
	if _, err := goTool(sources, "build", "-o", built, launcherPackage); err != nil {
		return "", err
	}
	return binary, os.Rename(built, binary)
}

// sourceDir is the launcher's folder: beside this file, or where the go tool finds it when paths were trimmed from this binary.
func sourceDir() (string, error) {
	if _, file, _, ok := runtime.Caller(0); ok {
		dir := filepath.Join(filepath.Dir(file), "..", "launcher")
		if _, err := os.Stat(dir); err == nil {
			return dir, nil
		}
	}
	dir, err := goTool("", "list", "-f", "{{.Dir}}", launcherPackage)
	return strings.TrimSpace(dir), err
}

func hashSources(dirs ...string) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, runtime.Version())
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return "", err
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				return "", err
			}
			fmt.Fprintln(hash, filepath.Base(file), len(source))
			hash.Write(source)
		}
	}
	return hex.EncodeToString(hash.Sum(nil)[:8]), nil
}

// goTool runs the go command without cgo: the launcher is a static program, whatever the tests themselves are built with.
func goTool(dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(context.Background(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, said.String())
	}
	return string(out), nil
}
