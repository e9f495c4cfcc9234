package sqlite

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
)

var _ connectcheck.Checker = Config{}

// TestCheckConnection finds a file that is not there yet in order, and changes nothing; it names what is wrong and the key.
func TestCheckConnection(t *testing.T) {
	failed := func(cfg Config) (bad []connectcheck.Finding) {
		findings := cfg.CheckConnection(t.Context())
		require.NotEmpty(t, findings)
		for _, f := range findings {
			if !f.OK {
				require.NotEmpty(t, f.Key)
				require.NotEmpty(t, f.Remedy)
				bad = append(bad, f)
			}
		}
		return bad
	}
	cfg := testConfig(t)
	require.Empty(t, failed(cfg))
	_, err := os.Stat(filepath.Dir(cfg.Path))
	require.ErrorIs(t, err, os.ErrNotExist, "nothing is made")
	nowhere := cfg
	nowhere.Path = "/dev/null/nowhere/session_log.db"
	require.Equal(t, "file", failed(nowhere)[0].Subject)
	folder := cfg
	folder.Path = t.TempDir()
	require.Equal(t, "path", failed(folder)[0].Key)

	cfg = filled(t, 100)
	require.Empty(t, failed(cfg))
	other := cfg
	other.TablePrefix, other.CreateSchema = "eu_", false
	require.Equal(t, "create_schema", failed(other)[0].Key)
	require.NoError(t, os.Truncate(cfg.Path, 50_000))
	require.Equal(t, "database", failed(cfg)[0].Subject)
}
