package sessionlogreceiver

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheRecipeOfSSHDLoads: what people copy is valid as it stands.
func TestTheRecipeOfSSHDLoads(t *testing.T) {
	recipe, err := os.ReadFile("../../docs/recipes/sshd.md")
	require.NoError(t, err)
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(recipe), -1)
	require.Len(t, examples, 6)
	loaded := map[string]*Config{}
	for _, example := range examples {
		for name, part := range receiversOf(t, example[1]) {
			config, err := load(part)
			require.NoError(t, err, name)
			loaded[name] = config
		}
	}
	require.Equal(t, []string{"sftp-sshd"}, loaded["sessionlog/sftp"].Journald.Get().Identifiers, "a written list replaces the default")
	require.Equal(t, []string{"sshd", "sshd-session", "sshd-auth"}, loaded["sessionlog/fleet"].Journald.Get().Identifiers)
}
