package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMisspelledNamesInStatements: OTTL takes any name. Each letter that is wrong in a recipe is told by validate, with the right name; a recipe as it
// is has nothing to be told.
func TestMisspelledNamesInStatements(t *testing.T) {
	validate := func(t *testing.T, recipe string) string {
		t.Helper()
		file := filepath.Join(t.TempDir(), "collector.yaml")
		require.NoError(t, os.WriteFile(file, []byte(recipe), 0o600))
		var atExit []func()
		var warnings bytes.Buffer
		command := newCommand(collectorSettings(), &atExit)
		command.SetErr(&warnings)
		command.SetArgs([]string{"validate", "--config", filepath.Join(recipesFolder, "common.yaml"), "--config", file})
		require.NoError(t, command.ExecuteContext(t.Context()))
		return warnings.String()
	}
	for _, recipe := range ottlRecipes(t) {
		text := string(recipe.sample(t, "collector.yaml"))
		require.Empty(t, validate(t, text), recipe.name)
		if recipe.name != "vault" {
			continue
		}
		for wrong, want := range map[string]string{
			"sessionlog.outcom":     "the attribute sessionlog.outcom is none of docs/event.md: did you mean sessionlog.outcome?",
			"user.nme":              "the attribute user.nme is none of docs/event.md: did you mean user.name?",
			"client.adress":         "the attribute client.adress is none of docs/event.md: did you mean client.address?",
			"sessionlog.authmethod": "the attribute sessionlog.authmethod is none of docs/event.md: did you mean sessionlog.auth.method?",
			"sessionlog.logn":       "the event name sessionlog.logn is none of docs/event.md: did you mean sessionlog.login?",
		} {
			right := want[strings.LastIndex(want, " ")+1 : len(want)-1]
			require.Contains(t, text, `"`+right+`"`)
			require.Equal(t, "Warning: processors::transform/vault: "+want+"\n", validate(t, strings.ReplaceAll(text, `"`+right+`"`, `"`+wrong+`"`)))
		}
	}
}
