package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Killed, the command leaves no fuzzer behind, no torn line, and what its slice found; the next one goes on.
func TestKilled(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "fuzzlong")
	out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	newModule(t, good)
	cmd := exec.Command(binary, "-minutes", "10", "-slice", "10m")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // where the test ended too early
	fuzzer, err := filepath.EvalSymlinks(".")
	require.NoError(t, err)
	fuzzer, err = filepath.Abs(filepath.Join(fuzzer, ".cache", "fuzz", "part", "FuzzGood.test"))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		inputs, _ := filepath.Glob(".cache/fuzz/part/FuzzGood/*")
		return len(inputs) > 0 && runs(fuzzer)
	}, time.Minute, 20*time.Millisecond)
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	require.Eventually(t, func() bool { return !runs(fuzzer) }, time.Minute, 20*time.Millisecond)
	require.NoFileExists(t, "proofs/fuzz.csv")
	_, lines, err := fuzz(t.Context(), t)
	require.NoError(t, err)
	require.Greater(t, lines[0].corpus, 1, "the killed slice's inputs are there")
}

// runs tells whether a process of this program is there.
func runs(program string) bool {
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && strings.TrimSuffix(to, " (deleted)") == program {
			return true
		}
	}
	return false
}
