package journald

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestARunThatShowsNothingIsEnded, and says which key and what to do.
func TestARunThatShowsNothingIsEnded(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Journalctl = filepath.Join(t.TempDir(), "journalctl")
	require.NoError(t, os.WriteFile(cfg.Journalctl, []byte("#!/bin/sh\nexec sleep 600\n"), 0o700)) //nolint:gosec // it is to be run
	run, err := cfg.startJournalctl(context.Background())
	require.NoError(t, err)
	run.silent = 20 * time.Millisecond
	_, err = run.readLine()
	require.Error(t, err)
	err = run.closeAndWait()
	require.ErrorIs(t, err, errSilent)
	for _, part := range []string{"key directory", "--vacuum-size", "20ms"} {
		require.ErrorContains(t, err, part)
	}
	require.NotContains(t, err.Error(), "signal")
	require.NotEqual(t, remedyOf(os.ErrClosed), remedyOf(err))
}
