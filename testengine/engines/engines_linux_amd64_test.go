package engines

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tiny is an engine that the script of fakeNPM brings: the library holds the word "engine".
var tiny = Engine{
	Name: "Tiny", Package: "@test/tiny", Version: "1.2.3", File: "lib.so", Size: 6,
	SHA256: "ed9f6f25068608efd412958da4dfc19328ca3511251fa6d5f9c42baf230e32f8", Fetch: "6 bytes",
}

// fakeNPM puts a program named npm first in PATH: a registry that fails, or serves something else, is not to be had otherwise.
func fakeNPM(t *testing.T, script string) {
	t.Helper()
	bin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "npm"), []byte("#!/bin/sh\n"+script), 0o755))
	t.Setenv("PATH", bin+":/usr/bin:/bin")
}

const brings = `while [ "$1" != --prefix ]; do shift; done
mkdir -p "$2/node_modules/@test/tiny" && printf engine > "$2/node_modules/@test/tiny/lib.so"
`

func install(t *testing.T, e Engine) (said string, err error) {
	t.Helper()
	if unsupported := Supported(); unsupported != nil {
		t.Fatal(unsupported)
	}
	var out bytes.Buffer
	err = e.Install(t.Context(), &out)
	return out.String(), err
}

func TestInstallPutsTheWholeEngineInPlaceOnce(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(EnvDir, dir)
	fakeNPM(t, brings)
	said, err := install(t, tiny)
	require.NoError(t, err)
	require.Contains(t, said, "npm installs @test/tiny (6 bytes)")
	library, err := tiny.Find()
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "tiny-1.2.3", "lib.so"), library)

	fakeNPM(t, "exit 1")
	said, err = install(t, tiny)
	require.NoError(t, err, "npm was asked again")
	require.Equal(t, "Tiny 1.2.3 is installed: "+library+"\n", said)
	requireNoLeftovers(t, dir, "tiny-1.2.3")
}

func TestInstallRefusesAnotherChecksum(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(EnvDir, dir)
	fakeNPM(t, brings)
	other := tiny
	other.SHA256 = "00"
	_, err := install(t, other)
	require.ErrorContains(t, err, "want 00: not installed")
	requireNoLeftovers(t, dir)
}

func TestInstallTellsWhatNPMSaid(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(EnvDir, dir)
	fakeNPM(t, "echo registry unreachable >&2; exit 3")
	_, err := install(t, tiny)
	require.ErrorContains(t, err, "exit status 3")
	require.ErrorContains(t, err, "registry unreachable")
	requireNoLeftovers(t, dir)
}

func TestInstallWithoutNPMSaysTheRemedy(t *testing.T) {
	t.Setenv(EnvDir, t.TempDir())
	t.Setenv("PATH", t.TempDir())
	_, err := install(t, tiny)
	require.ErrorContains(t, err, "apt-get install npm")
}

func TestInstallReplacesABrokenEngine(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(EnvDir, dir)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "tiny-1.2.3"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tiny-1.2.3", "lib.so"), []byte("en"), 0o644))
	_, err := tiny.Find()
	require.ErrorIs(t, err, ErrMissing)
	require.ErrorContains(t, err, "has 2 bytes, want 6")
	fakeNPM(t, brings)
	_, err = install(t, tiny)
	require.NoError(t, err)
	_, err = tiny.Find()
	require.NoError(t, err)
	requireNoLeftovers(t, dir, "tiny-1.2.3")
}

func TestOfTwoRunsTheSecondTakesTheFirstOnesResult(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(EnvDir, dir)
	// While this run's npm works, the other run finishes.
	fakeNPM(t, brings+`mkdir -p "`+dir+`/tiny-1.2.3" && printf engine > "`+dir+`/tiny-1.2.3/lib.so"`)
	_, err := install(t, tiny)
	require.NoError(t, err)
	requireNoLeftovers(t, dir, "tiny-1.2.3")
}

func TestAMissingEngineIsNamedWithItsRemedy(t *testing.T) {
	t.Setenv(EnvDir, t.TempDir())
	_, err := ClickHouse.Find()
	require.ErrorIs(t, err, ErrMissing)
	require.ErrorContains(t, err, "make engines")
}

func requireNoLeftovers(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	require.Equal(t, want, names)
}
