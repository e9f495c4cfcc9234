package sqlite

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
)

var _ connectcheck.Checker = Config{}

// TestCheckConnectionReportsFreeDisk, of a file that is there and of one that is not yet; a disk that is nearly full is named.
func TestCheckConnectionReportsFreeDisk(t *testing.T) {
	disk := func(cfg Config) (found []connectcheck.Finding) {
		for _, f := range cfg.CheckConnection(t.Context()) {
			if f.Subject == "free disk" {
				found = append(found, f)
			}
		}
		return found
	}
	if _, known := freeBytes(t.TempDir()); !known {
		require.Empty(t, disk(testConfig(t)))
		return
	}
	for _, cfg := range []Config{testConfig(t), filled(t, 10)} {
		found := disk(cfg)
		require.Len(t, found, 1)
		require.True(t, found[0].OK, "a disk with room for tests")
		require.Regexp(t, `^[1-9]\d* MiB$`, found[0].Detail)
	}
	if dir, ok := smallDisk(t); ok { // of 8 MiB
		cfg := testConfig(t)
		cfg.Path = filepath.Join(dir, "session_log.db")
		require.Equal(t, "path", disk(cfg)[0].Key)
		require.Regexp(t, `^[78] MiB$`, disk(cfg)[0].Detail)
	}
}

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

// TestRemediesPaste into a shell, for a folder whose name needs quotes.
func TestRemediesPaste(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell")
	}
	t.Setenv("USER", "operator") // who reads the remedy
	dir := filepath.Join(t.TempDir(), `o'brien-"x" $HOME`)
	for _, command := range []string{connectcheck.MakeFolder(dir), connectcheck.GiveToService(dir)} {
		require.NotContains(t, command, "USER")
		out, err := exec.CommandContext(t.Context(), sh, "-c", command).CombinedOutput()
		require.NoError(t, err, "%s\n%s", command, out)
		require.DirExists(t, dir)
	}
}
