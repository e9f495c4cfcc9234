package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/x509"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// repository is that of this package, in whose folder a test begins.
var repository, _ = filepath.Abs(filepath.Join("..", ".."))

var linux = platform{"linux", "amd64"}

// newRelease is of this repository's files, with texts for programs.
func newRelease(t *testing.T) *release {
	t.Helper()
	t.Setenv("SOURCE_DATE_EPOCH", "1790000000")
	r := &release{root: repository, dist: t.TempDir(), version: "0.1.0", made: time.Unix(1_790_000_000, 0).UTC(), platforms: []platform{linux}, workFolder: t.TempDir()}
	require.NoError(t, os.MkdirAll(r.programFolder(linux), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(r.workFolder, "man"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(r.workFolder, "completion"), 0o755))
	for name, text := range map[string]string{
		r.program(linux, "otelcol-sessionlog"): "collector", r.program(linux, "sessionlog"): "companion",
		filepath.Join(r.workFolder, noticeFile): "licences", filepath.Join(r.workFolder, "man", "sessionlog.1.gz"): "page", filepath.Join(r.workFolder, "changelog.gz"): "log",
		filepath.Join(r.workFolder, "completion", "bash"): "b", filepath.Join(r.workFolder, "completion", "fish"): "f", filepath.Join(r.workFolder, "completion", "zsh"): "z",
	} {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o755))
	}
	t.Chdir(repository)
	return r
}

// TestTwoReleasesAreEqual but for nothing: archives, packages and the image of one commit have the same bytes.
func TestTwoReleasesAreEqual(t *testing.T) {
	var sums []string
	for range 2 {
		r := newRelease(t)
		scripts, err := filepath.Glob(filepath.Join(r.root, "packaging", "scripts", "*.sh"))
		require.NoError(t, err)
		require.NotEmpty(t, scripts)
		for _, script := range scripts { // as in another clone
			require.NoError(t, os.Chtimes(script, time.Time{}, time.Now()))
		}
		require.NoError(t, r.writeArchives())
		for _, form := range packageForms {
			require.NoError(t, r.writePackage(linux, form))
		}
		require.NoError(t, r.writeImage())
		require.NoError(t, r.writeSums())
		text, err := os.ReadFile(r.file(sumsFile))
		require.NoError(t, err)
		sums = append(sums, string(text))
	}
	require.Equal(t, sums[0], sums[1])
	require.Equal(t, 5, strings.Count(sums[0], "\n"), sums[0])
}

// TestPackagesHoldTheService: the programs, the unit, the configuration as one that an upgrade keeps, and the scripts.
func TestPackagesHoldTheService(t *testing.T) {
	r := newRelease(t)
	for _, form := range packageForms {
		require.NoError(t, r.writePackage(linux, form))
	}
	deb, err := exec.Command("dpkg-deb", "--contents", r.file("otelcol-sessionlog_0.1.0_amd64.deb")).Output()
	require.NoError(t, err)
	for _, name := range []string{
		"./usr/bin/otelcol-sessionlog", "./usr/bin/sessionlog", "./etc/otelcol-sessionlog/config.yaml", "./lib/systemd/system/otelcol-sessionlog.service",
		"./usr/share/doc/otelcol-sessionlog/copyright", "./usr/share/doc/otelcol-sessionlog/NOTICE", "./usr/share/man/man1/sessionlog.1.gz",
		"./usr/share/bash-completion/completions/sessionlog", "./usr/share/zsh/vendor-completions/_sessionlog", "./usr/share/fish/vendor_completions.d/sessionlog.fish",
	} {
		require.Regexp(t, `root/root .* `+regexp.QuoteMeta(name)+"\n", string(deb))
	}
	control := t.TempDir()
	require.NoError(t, exec.Command("dpkg-deb", "--control", r.file("otelcol-sessionlog_0.1.0_amd64.deb"), control).Run())
	kept, err := os.ReadFile(filepath.Join(control, "conffiles"))
	require.NoError(t, err)
	require.Equal(t, "/etc/otelcol-sessionlog/config.yaml\n", string(kept))
	for _, script := range []string{"postinst", "prerm", "postrm"} {
		require.FileExists(t, filepath.Join(control, script))
	}
	require.FileExists(t, r.file("otelcol-sessionlog-0.1.0-1.x86_64.rpm"))

	apk, err := os.ReadFile(r.file("otelcol-sessionlog_0.1.0_x86_64.apk"))
	require.NoError(t, err)
	names := namesInApk(t, apk)
	require.Subset(t, names, []string{".post-install", ".post-upgrade", "usr/bin/otelcol-sessionlog", "etc/otelcol-sessionlog/config.yaml"})
}

// namesInApk are of all its parts, which are compressed one by one.
func namesInApk(t *testing.T, apk []byte) (names []string) {
	t.Helper()
	unpacked, err := gzip.NewReader(bytes.NewReader(apk))
	require.NoError(t, err)
	files := tar.NewReader(unpacked)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		require.NoError(t, err)
		names = append(names, header.Name)
	}
}

// TestTheImageIsSmallAndNobodys: no shell, authorities that can be read, a user of its own, and his folder.
func TestTheImageIsSmallAndNobodys(t *testing.T) {
	r := newRelease(t)
	require.NoError(t, r.writeImage())
	index, err := layout.ImageIndexFromPath(filepath.Join(r.workFolder, "image"))
	require.NoError(t, err)
	image, err := firstImage(index, linux)
	require.NoError(t, err)
	config, err := image.ConfigFile()
	require.NoError(t, err)
	require.Equal(t, "65532:65532", config.Config.User)
	files := map[string]*tar.Header{}
	content := tar.NewReader(mutate.Extract(image))
	pool := x509.NewCertPool()
	for {
		header, err := content.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		files[strings.TrimSuffix(header.Name, "/")] = header
		if strings.HasSuffix(header.Name, "ca-certificates.crt") {
			text, err := io.ReadAll(content)
			require.NoError(t, err)
			require.True(t, pool.AppendCertsFromPEM(text))
		}
	}
	require.NotContains(t, files, "bin/sh")
	require.Contains(t, files, strings.TrimPrefix(config.Config.Entrypoint[0], "/"))
	require.Contains(t, files, strings.TrimPrefix(config.Config.Cmd[1], "/"))
	require.Equal(t, imageUser, files[stateFolder].Uid)
	require.Equal(t, int64(0o700), files[stateFolder].Mode)
}

// TestEveryModuleNeedsALicence, and one that is known.
func TestEveryModuleNeedsALicence(t *testing.T) {
	folder := t.TempDir()
	m := &module{path: "example.com/one"}
	require.NoError(t, m.readTexts(folder))
	require.Empty(t, m.licences)
	licence, err := os.ReadFile("../../LICENSE")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "LICENSE.txt"), licence, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "licenses.go"), []byte("package licenses"), 0o600))
	require.NoError(t, m.readTexts(folder))
	require.Equal(t, []string{"Apache-2.0"}, m.licences)
	require.Len(t, m.texts, 1)
}

// TestAFolderThatIsNoReleaseStays as it is.
func TestAFolderThatIsNoReleaseStays(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "thesis.txt"), nil, 0o600))
	require.ErrorContains(t, emptyFolder(folder), "is no release")
	require.FileExists(t, filepath.Join(folder, "thesis.txt"))
}

// TestWorkflowsRunTheMakefile: what GitHub runs is what anybody can run here, and none of it changes under a tag that somebody moves.
func TestWorkflowsRunTheMakefile(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	require.NoError(t, err)
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	require.NoError(t, err)
	require.Len(t, files, 2)
	target := regexp.MustCompile(`^make ([a-z-]+)( [A-Z]+=\S+)*$`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, action := range regexp.MustCompile(`uses: (.*)`).FindAllStringSubmatch(string(text), -1) {
			require.Regexp(t, `^[\w/-]+@[0-9a-f]{40} # v[\d.]+$`, action[1])
		}
		for _, command := range workflowCommands(t, text) {
			if called := target.FindStringSubmatch(command); called != nil {
				require.Contains(t, string(makefile), "\n"+called[1]+":")
				continue
			}
			require.Contains(t, []string{
				".ci/run",
				`git config --global --add safe.directory "$GITHUB_WORKSPACE"`,
				`gh release create "$GITHUB_REF_NAME" --draft --verify-tag --title "$GITHUB_REF_NAME" dist/*`,
			}, command)
		}
	}
}

// workflowCommands are those of all steps of all jobs.
func workflowCommands(t *testing.T, text []byte) (commands []string) {
	t.Helper()
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct{ Run string }
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &workflow))
	for _, job := range workflow.Jobs {
		for _, step := range job.Steps {
			if step.Run != "" {
				commands = append(commands, strings.Split(step.Run, " && ")...)
			}
		}
	}
	require.NotEmpty(t, commands)
	return commands
}

// TestProgramsAreOfTheWorkspace: make release runs outside of it.
func TestProgramsAreOfTheWorkspace(t *testing.T) {
	t.Setenv("GOWORK", "off")
	out, err := runIn(t.Context(), repository, linux.buildEnvironment(), "go", "list", "-f", "{{.ImportPath}}", "./cmd/...", ourModules+"/session")
	require.NoError(t, err)
	for _, program := range programs {
		require.Contains(t, string(out), "/cmd/"+program+"\n")
	}
}

// TestProofsTypeWhatUsersType: the commands that the proofs run are those of the pages.
func TestProofsTypeWhatUsersType(t *testing.T) {
	r := &release{root: repository, version: "0.2.0"}
	for section, command := range map[string]string{
		"A package": "systemctl enable --now otelcol-sessionlog\n", "A first login": "sessionlog search --sqlite ", "An image": "podman load --input otelcol-sessionlog_0.2.0_oci.tar\n", "A clone": "\nmake run\n",
	} {
		commands, err := r.pageCommands(deployPage, section)
		require.NoError(t, err)
		require.Contains(t, commands, command)
	}
	_, err := r.pageCommands(deployPage, "A phone")
	require.ErrorContains(t, err, `no section "A phone"`)
}

// TestTheExplorerOfTheServiceIsOneCommandAway, and off without it.
func TestTheExplorerOfTheServiceIsOneCommandAway(t *testing.T) {
	text, err := os.ReadFile("../../config/debian.yaml")
	require.NoError(t, err)
	extensions := func(text string) (known map[string]any, used []any) {
		var config map[string]map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(text), &config))
		return config["extensions"], config["service"]["extensions"].([]any)
	}
	const explorer = "sessionlog_explorer"
	known, used := extensions(string(text))
	require.NotContains(t, known, explorer)
	require.NotContains(t, used, explorer)
	known, used = extensions(strings.ReplaceAll(string(text), "#explorer ", ""))
	require.Contains(t, known, explorer)
	require.Contains(t, used, explorer)
}

// TestTheDockerfileCopiesWhatThereIs.
func TestTheDockerfileCopiesWhatThereIs(t *testing.T) {
	text, err := os.ReadFile("../../Dockerfile")
	require.NoError(t, err)
	copies := regexp.MustCompile(`(?m)^COPY (config/\S+)`).FindAllSubmatch(text, -1)
	require.NotEmpty(t, copies)
	for _, file := range copies {
		require.FileExists(t, filepath.Join("..", "..", string(file[1])))
	}
}
