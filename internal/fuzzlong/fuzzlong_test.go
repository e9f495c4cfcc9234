package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newModule makes a module with two targets, one of which finds something at once, under git.
func newModule(t *testing.T, targets string) {
	t.Helper()
	t.Chdir(t.TempDir())
	write(t, "go.mod", "module example.com/m\n\ngo 1.26\n")
	write(t, ".gitignore", "/.cache/\n/proofs/\n")
	write(t, "part/part.go", "// Package part is fuzzed.\npackage part\n\n// Odd is what it does.\n"+
		"func Odd(s string) (odd bool) {\n\tfor range s {\n\t\tif odd {\n\t\t\todd = false\n\t\t} else {\n\t\t\todd = true\n\t\t}\n\t}\n\treturn odd\n}\n")
	write(t, "part/part_test.go", "package part\n\nimport \"testing\"\n"+targets)
	git(t, "init", "-q")
	commit(t)
}

const good = `
func FuzzGood(f *testing.F) {
	f.Add("a")
	f.Fuzz(func(t *testing.T, s string) { Odd(s) })
}
`

const bad = `
func FuzzBad(f *testing.F) {
	f.Add("a")
	f.Fuzz(func(t *testing.T, s string) {
		if !Odd(s) {
			t.Fatal("even")
		}
	})
}
`

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

func git(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...).CombinedOutput()
	require.NoError(t, err, string(out))
}

func commit(t *testing.T) {
	t.Helper()
	git(t, "add", ".")
	git(t, "commit", "-q", "-m", "x")
}

// fuzz runs the command for two slices of a second, and gives what it said and the file's lines.
func fuzz(ctx context.Context, t *testing.T, args ...string) (said string, lines []result, err error) {
	t.Helper()
	var out bytes.Buffer
	err = run(ctx, append([]string{"-minutes", "0.03", "-slice", "1s"}, args...), &out)
	lines, readErr := readResults("proofs/fuzz.csv")
	require.NoError(t, readErr)
	return out.String(), lines, err
}

// A target gets its time in slices; then nothing more is owed. Changed code shows in the lines, and is owed nothing but told.
func TestTimeIsGivenOnceAndCodeIsNamed(t *testing.T) {
	newModule(t, good)
	said, lines, err := fuzz(t.Context(), t)
	require.NoError(t, err, said)
	require.GreaterOrEqual(t, len(lines), 2)
	runs := int64(0)
	for _, r := range lines {
		runs += r.execs
		require.Equal(t, passed, r.outcome)
		require.Equal(t, "part FuzzGood", r.target.String())
		require.Len(t, r.commit, 12)
		require.False(t, r.dirty)
		require.Positive(t, r.seconds)
		require.GreaterOrEqual(t, r.corpus, 1)
	}
	require.Positive(t, runs)
	require.Equal(t, lines[0].corpus+lines[0].found, lines[1].corpus, "what the first slice found is where the second began")
	said, again, err := fuzz(t.Context(), t)
	require.NoError(t, err, said)
	require.Equal(t, lines, again)
	require.Contains(t, said, "\n0.0 minutes owed in all")

	write(t, "part/more.go", "package part\n\n// More is new.\nconst More = 1\n")
	m, err := findModule(t.Context())
	require.NoError(t, err)
	targets, err := m.targets(t.Context(), []string{"./..."})
	require.NoError(t, err)
	require.Equal(t, []target{{"part", "FuzzGood", "part/part_test.go"}}, targets)
	dirty, err := m.dirty(t.Context(), targets[0])
	require.NoError(t, err)
	require.True(t, dirty)
	require.Positive(t, m.summary(t.Context(), targets, lines)[0].current)
	commit(t)
	s := m.summary(t.Context(), targets, lines)[0]
	require.Zero(t, s.current, "the code is not what was fuzzed")
	require.Positive(t, s.spent)
}

// A failing target leaves the name of its input, which stays; the others go on, and the command fails.
func TestAFailureIsNamedAndTheOthersGoOn(t *testing.T) {
	newModule(t, bad+good)
	said, lines, err := fuzz(t.Context(), t)
	require.ErrorContains(t, err, "testdata/fuzz")
	require.Contains(t, said, "even")
	require.Equal(t, "FuzzBad", lines[0].target.name)
	require.Equal(t, failed, lines[0].outcome)
	require.FileExists(t, filepath.Join("part", lines[0].artefact))
	for _, r := range lines[1:] {
		require.Equal(t, "FuzzGood", r.target.name)
		require.Equal(t, passed, r.outcome)
	}
	_, again, err := fuzz(t.Context(), t)
	require.Error(t, err)
	require.Len(t, again, len(lines)+1)
	require.True(t, strings.HasPrefix(again[len(lines)].artefact, "testdata/fuzz/FuzzBad/"), "it is a seed now")
}

func TestCodeThatDoesNotCompileIsBroken(t *testing.T) {
	newModule(t, good+"\nvar x int = \"\"\n")
	said, lines, err := fuzz(t.Context(), t)
	require.Error(t, err)
	require.Contains(t, said, "part_test.go")
	require.Len(t, lines, 1)
	require.Equal(t, broken, lines[0].outcome)
	require.Zero(t, lines[0].seconds)
}

// Ctrl-C ends a slice early, and what it did counts.
func TestInterrupted(t *testing.T) {
	newModule(t, good)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(20 * time.Millisecond) {
			if inputs, _ := filepath.Glob(".cache/fuzz/part/FuzzGood/*"); len(inputs) > 0 {
				break // it has begun, and found something
			}
		}
		cancel()
	}()
	_, lines, err := fuzz(ctx, t, "-minutes", "10", "-slice", "10m")
	require.NoError(t, err)
	require.Len(t, lines, 1)
	require.Equal(t, interrupted, lines[0].outcome)
	require.Positive(t, lines[0].execs)
}

func TestWrongArguments(t *testing.T) {
	for _, args := range [][]string{{"-minutes", "0"}, {"-slice", "1ms"}, {"-parallel", "0"}, {"-packages", " "}, {"x"}, {"-nosuch"}} {
		_, err := parse(args)
		require.Error(t, err, args)
	}
}
