package sessionlogexporter

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"

	"github.com/otel-sessionlog/sessionlog/testengine"
)

// TestFullDisk: the caller waits until there is room again, and then everything is there once.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		testengine.Missing(t, "the right to mount a small file system", "run this test as root")
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, 0)) })
	r := newRig(t, dir, nil, nil)
	require.NoError(t, r.Start(t.Context(), r))
	defer func() { require.NoError(t, r.Shutdown(t.Context())) }()
	require.NoError(t, r.ConsumeLogs(t.Context(), testEvents(0, 100)))

	ballast := filepath.Join(dir, "ballast")
	require.Error(t, os.WriteFile(ballast, make([]byte, 8<<20), 0o600), "fills the disk")
	done := r.send(t.Context(), testEvents(0, 3000))
	r.awaitStatus(t, componentstatus.StatusRecoverableError)
	select {
	case err := <-done:
		t.Fatalf("ConsumeLogs returned while the disk was full: %v", err)
	default:
	}
	require.NoError(t, os.Remove(ballast))
	require.NoError(t, awaitResult(t, done))
	require.Equal(t, 3000, r.count(t))
}
