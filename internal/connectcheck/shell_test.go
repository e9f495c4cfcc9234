//go:build unix

package connectcheck_test

import (
	"os/exec"
	"os/user"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
)

// TestAWordPastes into a shell, whatever it holds.
func TestAWordPastes(t *testing.T) {
	for _, text := range []string{"/var/log/secure", `o'brien-"x"`, "a b", "$HOME", "`id`", `a\b`, "*", "~", "jürgen", "a\nb", "-n;", "CORP\\collector"} {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+connectcheck.ShellWord(text)).Output()
		require.NoError(t, err)
		require.Equal(t, text, string(out))
	}
	require.Equal(t, "/var/log/secure", connectcheck.ShellWord("/var/log/secure"), "no quotes where none are needed")
	require.Equal(t, "…", connectcheck.ShellWord(""))
}

// TestServiceUser is the one that this program runs as, not the one who reads the remedy.
func TestServiceUser(t *testing.T) {
	t.Setenv("USER", "operator")
	u, err := user.Current()
	require.NoError(t, err)
	require.Equal(t, u.Username, connectcheck.ServiceUser())
}
