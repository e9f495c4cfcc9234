package sqlite

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// changeModes makes a folder and its files read-only.
func changeModes(t *testing.T, dir string) (undo func()) {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	set := func(folder, file os.FileMode) {
		for _, f := range files {
			require.NoError(t, os.Chmod(f, file))
		}
		require.NoError(t, os.Chmod(dir, folder))
	}
	set(0o500, 0o400)
	return func() { set(0o700, 0o600) }
}
