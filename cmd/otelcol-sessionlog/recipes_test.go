package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// yamlBlocks are the examples of configurations in a page.
var yamlBlocks = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// TestConfigurationsOfTheRecipesAreValid: each page of docs/recipes begins with a whole configuration, and its other examples go with that
// one. Receivers of the same name take the place of the first.
func TestConfigurationsOfTheRecipesAreValid(t *testing.T) {
	pages, err := filepath.Glob("../../docs/recipes/*.md")
	require.NoError(t, err)
	pages = slices.DeleteFunc(pages, func(page string) bool { return filepath.Base(page) == "README.md" })
	require.NotEmpty(t, pages)
	for _, page := range pages {
		t.Run(filepath.Base(page), func(t *testing.T) {
			text, err := os.ReadFile(page)
			require.NoError(t, err)
			for _, name := range regexp.MustCompile(`\$\{env:([A-Z_]+)\}`).FindAllStringSubmatch(string(text), -1) {
				t.Setenv(name[1], "x")
			}
			blocks := yamlBlocks.FindAllStringSubmatch(string(text), -1)
			require.NotEmpty(t, blocks)
			dir := t.TempDir()
			var args []string
			for i, block := range blocks {
				path := filepath.Join(dir, "config.yaml")
				if i == 0 {
					path = filepath.Join(dir, "whole.yaml")
				}
				require.NoError(t, os.WriteFile(path, []byte(block[1]), 0o600))
				switch whole := strings.Contains(block[1], "\nservice:"); {
				case i == 0:
					require.True(t, whole, "the first example is a whole configuration")
					args = []string{"validate", "--config", path}
				case whole:
					args = []string{"validate", "--config", path}
				default:
					args = []string{"validate", "--config", filepath.Join(dir, "whole.yaml"), "--config", path}
				}
				var atExit []func()
				command := newCommand(collectorSettings(), &atExit)
				command.SetArgs(args)
				require.NoError(t, command.ExecuteContext(t.Context()), "%s", block[1])
			}
		})
	}
}
