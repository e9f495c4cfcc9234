package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
)

const repository = "../../.."

func released(t *testing.T) (list []releasedModule, version string) {
	t.Helper()
	list, err := releasedModules(repository)
	require.NoError(t, err)
	version, err = requiredVersion(list)
	require.NoError(t, err)
	return list, version
}

// TestTheWorkspaceFindsTheRequiredVersion: go.work replaces what our modules require of each other, and nothing else.
func TestTheWorkspaceFindsTheRequiredVersion(t *testing.T) {
	list, version := released(t)
	text, err := os.ReadFile(filepath.Join(repository, "go.work"))
	require.NoError(t, err)
	work, err := modfile.ParseWork("go.work", text, nil)
	require.NoError(t, err)
	replaced := map[string]string{}
	for _, r := range work.Replace {
		require.Equal(t, version, r.Old.Version, r.Old.Path)
		replaced[r.Old.Path] = filepath.Join(repository, r.New.Path)
	}
	for _, m := range list {
		if m.path != ourModule {
			require.Equal(t, m.folder, replaced[m.path], m.path)
		}
	}
	require.Len(t, replaced, len(list)-1)
}

// TestEachModuleBuildsAlone: with its own go.mod and go.sum, its tests too. Where these give it the packages of the workspace, in which all
// is compiled for the other tests, there is nothing more to compile.
func TestEachModuleBuildsAlone(t *testing.T) {
	onlyByMakeModules(t)
	list, _ := released(t)
	require.NoError(t, eachAlone(list, func(m releasedModule, modFile string) error {
		alone, err := m.packages(t.Context(), "GOWORK=off", "-modfile="+modFile)
		if err != nil {
			return err
		}
		together, err := m.packages(t.Context(), "GOFLAGS=")
		if err != nil {
			return err
		}
		require.Greater(t, len(alone), 50, "of the standard library at least")
		if slices.Equal(alone, together) {
			return nil
		}
		t.Logf("%s is compiled alone", m.path)
		return m.goAlone(t.Context(), modFile, "vet", "./...")
	}))
}

// TestTheSmallModulesAreTidy leaves the root out: tidying asks for the tests of everything that a collector is made of.
func TestTheSmallModulesAreTidy(t *testing.T) {
	list, _ := released(t)
	require.NoError(t, eachAlone(list, func(m releasedModule, modFile string) error {
		if m.path == ourModule {
			return nil
		}
		return m.goAlone(t.Context(), modFile, "mod", "tidy", "-diff")
	}), "make tidy mends it")
}

// publishedModules is a place without this repository, to which our modules come from a proxy. Their version is no other run's, because the
// module cache is the user's, which has everybody else's modules; afterwards it is gone from there.
type publishedModules struct{ dir, version string }

func publish(t *testing.T) publishedModules {
	t.Helper()
	if published.dir == "" {
		list, required := released(t)
		dir, err := os.MkdirTemp("", "sessionlog-modules-")
		require.NoError(t, err)
		published = publishedModules{dir, required + "-" + strings.ToLower(rand.Text())}
		require.NoError(t, moduleProxy{repository, published.folder(t, "proxy"), required, published.version}.write(t.Context(), list))
	}
	return published
}

// published is what all tests see: each version of our modules is compiled anew.
var published publishedModules

func TestMain(m *testing.M) {
	code := m.Run()
	if published.dir != "" {
		if err := published.remove(); err != nil {
			fmt.Fprintln(os.Stderr, "modules are left in the module cache:", err)
			code = 1
		}
	}
	os.Exit(code)
}

func (p publishedModules) remove() error {
	list, err := releasedModules(repository)
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(context.Background(), "go", "env", "GOMODCACHE").Output()
	if err != nil {
		return err
	}
	cache := strings.TrimSpace(string(out))
	left := []string{p.dir}
	for _, m := range list {
		downloads, err := filepath.Glob(filepath.Join(cache, "cache", "download", m.path, "@v", p.version+".*"))
		if err != nil {
			return err
		}
		left = append(left, downloads...)
		left = append(left, filepath.Join(cache, "cache", "download", m.path, "@v", "list"), // the go command makes it anew
			filepath.Join(cache, m.path+"@"+p.version))
	}
	for _, path := range left {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}

func (p publishedModules) folder(t *testing.T, name string) string {
	t.Helper()
	folder := filepath.Join(p.dir, name)
	require.NoError(t, os.MkdirAll(folder, 0o750))
	return folder
}

// run answers what the command prints in the folder.
func (p publishedModules) run(t *testing.T, folder string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), args[0], args[1:]...)
	command.Dir = p.folder(t, folder)
	command.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-modcacherw -buildvcs=false", "GOBIN="+p.folder(t, "bin"),
		"GONOSUMDB="+ourModule+"/*,"+ourModule, "GOPROXY=file://"+p.folder(t, "proxy")+","+goEnv(t, "GOPROXY"))
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	require.NoError(t, err, said.String())
	return strings.TrimSpace(string(out))
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "go", "env", name).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

// application is a new program that imports the packages, and the modules that it then sees.
func (p publishedModules) application(t *testing.T, name string, modules []string, packages ...string) (sees []string) {
	t.Helper()
	text := "package main\n\n"
	for _, imported := range packages {
		text += fmt.Sprintf("import _ %q\n", imported)
	}
	require.NoError(t, os.WriteFile(filepath.Join(p.folder(t, name), "main.go"), []byte(text+"\nfunc main() {}\n"), 0o600))
	p.run(t, name, "go", "mod", "init", name)
	p.run(t, name, append([]string{"go", "get"}, modules...)...)
	p.run(t, name, "go", "mod", "tidy")
	sees = strings.Split(p.run(t, name, "go", "list", "-m", "-f", "{{.Path}}", "all"), "\n")[1:]
	t.Logf("%s: %d modules", name, len(sees))
	return sees
}

// TestAnApplicationOfTheSDKSeesLittle: to OpenTelemetry's own SDK and pdata, go get of ours adds our two modules: no backend, and nothing
// more of the collector.
func TestAnApplicationOfTheSDKSeesLittle(t *testing.T) {
	onlyByMakeModules(t)
	p := publish(t)
	sdk := ourModule + "/sdk"
	sees := p.application(t, "shop", []string{sdk + "@" + p.version}, sdk, sdk+"/blocking", sdk+"/sessionhttp", sdk+"/spool")
	p.run(t, "shop", "go", "mod", "verify")
	p.run(t, "shop", "go", "build", "./...")
	file, err := readModFile(filepath.Join(repository, "sdk"))
	require.NoError(t, err)
	logs, data := "go.opentelemetry.io/otel/sdk/log", "go.opentelemetry.io/collector/pdata"
	var versions []string
	for _, r := range file.Require {
		if r.Mod.Path == logs || r.Mod.Path == data {
			versions = append(versions, r.Mod.String())
		}
	}
	require.Subset(t, append(p.application(t, "without", versions, logs, data+"/plog"), sdk, ourModule+"/session"), sees)

	sees = p.application(t, "api", []string{sdk + "@" + p.version}, sdk, sdk+"/sessionhttp")
	require.Less(t, len(sees), 40, "whoever only logs events needs the logs API alone: %s", sees)
}

func TestTheCollectorCanBeInstalled(t *testing.T) {
	onlyByMakeModules(t)
	p := publish(t)
	// -trimpath is also the builder's: what is compiled here need not be compiled for it again.
	p.run(t, "nowhere", "go", "install", "-trimpath", ourModule+"/cmd/otelcol-sessionlog@"+p.version, ourModule+"/cmd/sessionlog@"+p.version)
	require.Contains(t, p.run(t, "nowhere", filepath.Join(p.folder(t, "bin"), "sessionlog"), "--version"), p.version)
	p.requireComponents(t, filepath.Join(p.folder(t, "bin"), "otelcol-sessionlog"), "builder.yaml")
}

// TestTheSmallManifestBuildsAnywhere copies it out of the repository.
func TestTheSmallManifestBuildsAnywhere(t *testing.T) {
	onlyByMakeModules(t)
	p := publish(t)
	text, err := os.ReadFile(filepath.Join(repository, "config", "builder-minimal.yaml"))
	require.NoError(t, err)
	_, required := released(t)
	copied := strings.ReplaceAll(string(text), ourModule+" "+required+"\n", ourModule+" "+p.version+"\n")
	require.NotEqual(t, string(text), copied)
	require.NoError(t, os.WriteFile(filepath.Join(p.folder(t, "elsewhere"), "builder.yaml"), []byte(copied), 0o600))
	builder := regexp.MustCompile(`go\.opentelemetry\.io/collector/cmd/builder@\S+`).FindString(copied)
	p.run(t, "elsewhere", "go", "run", builder, "--config", "builder.yaml")
	p.requireComponents(t, filepath.Join(p.folder(t, "elsewhere"), "builder-minimal", "otelcol-sessionlog-minimal"), "builder-minimal.yaml")
}

// onlyByMakeModules: what compiles modules anew takes longer than the tests of ten packages.
func onlyByMakeModules(t *testing.T) {
	t.Helper()
	if os.Getenv("SESSIONLOG_MODULES") == "" {
		t.Skip("make modules runs it")
	}
}

// requireComponents asks the binary for ours, those of its manifest.
func (p publishedModules) requireComponents(t *testing.T, binary, manifest string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "config", manifest))
	require.NoError(t, err)
	info, err := os.Stat(binary)
	require.NoError(t, err)
	t.Logf("%s: %d MB", filepath.Base(binary), info.Size()>>20)
	require.Equal(t, strings.Count(string(text), "import: "+ourModule+"/"), strings.Count(p.run(t, "nowhere", binary, "components"), ourModule+" "+p.version))
}
