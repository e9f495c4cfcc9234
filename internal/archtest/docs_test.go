package archtest

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.."

// walk reads every file of ours with this ending.
func walk(t *testing.T, ending string, f func(path, text string)) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2 || d.Name() == "bin" || d.Name() == "data" && path == filepath.Join(root, "data") {
				return filepath.SkipDir
			}
			return err
		}
		if strings.HasSuffix(path, ending) {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			f(path, string(text))
		}
		return nil
	}))
}

// TestTestsThatTheDocsNameExist: a promise in the docs names the test that shows it.
func TestTestsThatTheDocsNameExist(t *testing.T) {
	exist := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	walk(t, "_test.go", func(_, text string) {
		for _, m := range declared.FindAllStringSubmatch(text, -1) {
			exist[m[1]] = true
		}
	})
	named := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w+)`")
	walk(t, ".md", func(path, text string) {
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			require.True(t, exist[m[1]], "%s names %s, which is no test of ours", path, m[1])
		}
	})
}

// TestLinksOfTheDocsLead to files that exist.
func TestLinksOfTheDocsLead(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)
	walk(t, ".md", func(path, text string) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			_, err := os.Stat(filepath.Join(filepath.Dir(path), m[1]))
			require.NoError(t, err, "%s links to %s", path, m[1])
		}
	})
}

// TestMakeTargetsThatTheDocsNameExist: a command in the docs runs.
func TestMakeTargetsThatTheDocsNameExist(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	require.NoError(t, err)
	named := regexp.MustCompile("(?m)(?:`|^)make ([a-z-]+)")
	walk(t, ".md", func(path, text string) {
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			require.Regexp(t, `(?m)^`+m[1]+`:`, string(makefile), "%s names make %s", path, m[1])
		}
	})
}

// TestShippedConfigurationsLogAlike: lines without what is the same in each, in every whole configuration that we write.
func TestShippedConfigurationsLogAlike(t *testing.T) {
	whole := regexp.MustCompile(`(?m)^service:$`)
	compared := 0
	check := func(path, text string) {
		folder, _, _ := strings.Cut(strings.TrimPrefix(filepath.ToSlash(path), filepath.ToSlash(root)+"/"), "/")
		if strings.HasPrefix(filepath.ToSlash(path), filepath.ToSlash(root)+"/examples/recipes/") && !strings.Contains(text, "telemetry:") {
			return // runs beside examples/recipes/common.yaml
		}
		if found := len(whole.FindAllString(text, -1)); found > 0 && slices.Contains([]string{"README.md", "docs", "config", "examples"}, folder) {
			compared++
			require.Equal(t, found, strings.Count(text, ", disable_zap_resource: true, disable_caller: true}"), path)
		}
	}
	walk(t, ".md", check)
	walk(t, ".yaml", check)
	require.Greater(t, compared, 10)
}

// TestDurationsAreLoggedWithAUnit: zap.Duration writes bare seconds.
func TestDurationsAreLoggedWithAUnit(t *testing.T) {
	walk(t, ".go", func(path, text string) {
		if !strings.HasSuffix(path, "_test.go") {
			require.NotContains(t, text, "zap.Duration"+"(", path)
		}
	})
}

// TestMutantsApply: a patch of proofs/mutants that fits no more shows nothing.
func TestMutantsApply(t *testing.T) {
	patches, err := filepath.Glob(filepath.Join(root, "proofs", "mutants", "*.patch"))
	require.NoError(t, err)
	require.Greater(t, len(patches), 15)
	for _, patch := range patches {
		absolute, err := filepath.Abs(patch)
		require.NoError(t, err)
		check := exec.Command("git", "apply", "--check", absolute)
		check.Dir = root
		out, err := check.CombinedOutput()
		require.NoError(t, err, "%s: %s", filepath.Base(patch), out)
	}
}
