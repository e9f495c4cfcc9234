package testengine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDataDir: the data of a test that was killed goes, that of one that runs stays, and its own goes with the test.
func TestDataDir(t *testing.T) {
	if !roomInMemory() {
		require.NotContains(t, DataDir(t), memoryDir)
		return
	}
	ended := exec.Command("true")
	require.NoError(t, ended.Run())
	dead, err := os.MkdirTemp(memoryDir, fmt.Sprintf("%s%d-", dataDirPrefix, ended.Process.Pid))
	require.NoError(t, err)
	var own, other string
	t.Run("a test", func(t *testing.T) {
		own, other = DataDir(t), DataDir(t)
		require.NotEqual(t, own, other)
		require.Equal(t, memoryDir, filepath.Dir(own))
		require.DirExists(t, own)
		require.NoDirExists(t, dead)
	})
	require.NoDirExists(t, own)
}
