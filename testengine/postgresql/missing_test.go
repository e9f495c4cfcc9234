package postgresql_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/engines"
)

// runWithout runs one test of this binary where no engine is installed, for its skip or failure is what is to be seen.
func runWithout(t *testing.T, test, require string) (output, skips string, err error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	skipFile := filepath.Join(t.TempDir(), "skips")
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+test+"$", "-test.v")
	cmd.Env = append(os.Environ(), engines.EnvDir+"="+t.TempDir(), testengine.EnvRequire+"="+require, testengine.EnvSkips+"="+skipFile)
	out, err := cmd.CombinedOutput()
	written, _ := os.ReadFile(skipFile)
	return string(out), string(written), err
}

func TestAMissingServerSkipsAndSaysTheRemedy(t *testing.T) {
	output, skips, err := runWithout(t, "TestNoTLS", "")
	require.NoError(t, err, output)
	require.Contains(t, output, "--- SKIP: TestNoTLS")
	require.Equal(t, "TestNoTLS\treal PostgreSQL missing\trun 'make engines'\n", skips)
}

func TestAMissingServerFailsWhereEnginesAreRequired(t *testing.T) {
	output, skips, err := runWithout(t, "TestNoTLS", "1")
	require.Error(t, err)
	require.Contains(t, output, "--- FAIL: TestNoTLS")
	require.Contains(t, output, "make engines")
	require.Empty(t, skips)
}
