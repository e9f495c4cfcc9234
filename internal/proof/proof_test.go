package proof

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCommitIsDirtyByCodeAlone(t *testing.T) {
	t.Chdir(t.TempDir())
	require.Equal(t, "unknown", Commit(t.Context()))
	git := func(args ...string) {
		out, err := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	git("init", "-q")
	require.NoError(t, os.MkdirAll("proofs", 0o700))
	require.NoError(t, os.WriteFile("proofs/a.csv", []byte("a,b\n"), 0o600))
	git("add", ".")
	git("commit", "-q", "-m", "first")
	clean := Commit(t.Context())
	require.Regexp(t, "^[0-9a-f]{7,}$", clean)
	require.NoError(t, Append("proofs/a.csv", []string{"1", "x,y"}, []string{"2", ""}))
	require.Equal(t, clean, Commit(t.Context()))
	require.NoError(t, os.WriteFile("code.go", nil, 0o600))
	require.Equal(t, clean+"-dirty", Commit(t.Context()))

	text, err := os.ReadFile("proofs/a.csv")
	require.NoError(t, err)
	require.Equal(t, "a,b\n1,\"x,y\"\n2,\n", string(text))
	require.Error(t, Append(filepath.Join("proofs", "b.csv"), []string{"1"}))
}
