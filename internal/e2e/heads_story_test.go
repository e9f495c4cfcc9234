package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/verify"
	"github.com/otel-sessionlog/sessionlog/testengine/victorialogs"
)

// TestHeadsAreKeptInAnotherBackend: examples/evidence/heads.yaml as it stands sends them into a real VictoriaLogs. The database and the collector's folder go back to an
// older copy: what the other backend gives back shows it.
func TestHeadsAreKeptInAnotherBackend(t *testing.T) {
	t.Parallel()
	server := victorialogs.Start(t)
	col := newCollector(t, "  sessionlog: {file: {include: ['$DIR/auth.log'], timezone: UTC, poll_interval: 50ms}, instance: bastion, storage: file_storage}\n", "sessionlog")
	secret, public, err := seal.GenerateKey("audit.example.net/logins")
	require.NoError(t, err)
	key, sealed := filepath.Join(col.dir, "seal.key"), filepath.Join(col.dir, "seal")
	require.NoError(t, os.WriteFile(key, []byte(secret), 0o600))
	config, err := os.ReadFile(col.config)
	require.NoError(t, err)
	const block = "    dead_letter:"
	require.NoError(t, os.WriteFile(col.config, []byte(strings.Replace(string(config), block, "    seal: {key_file: "+key+", directory: "+sealed+", writer: a, interval: 0, heads: {every: 1s}}\n"+block, 1)), 0o600))
	col.overlay = filepath.Join("..", "..", "examples", "evidence", "heads.yaml")
	col.env = environment(map[string]string{"SEAL_DIRECTORY": sealed, "HEADS_ENDPOINT": server.URL("/insert/opentelemetry")})

	log, err := os.ReadFile(filepath.Join("..", "dialect", "sshlog", "testdata", "auth.log"))
	require.NoError(t, err)
	lines := strings.SplitAfter(string(log), "\n")
	run := func(text string) (heads int) {
		file, err := os.OpenFile(filepath.Join(col.dir, "auth.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		require.NoError(t, err)
		_, err = file.WriteString(text)
		require.NoError(t, err)
		require.NoError(t, file.Close())
		before := len(server.Query(t, `event.name:="sessionlog.seal.head"`))
		col.start(t)
		require.Eventually(t, func() bool {
			server.Flush(t)
			heads = len(server.Query(t, `event.name:="sessionlog.seal.head"`))
			return heads > before+1
		}, patience, quick)
		col.stop(t)
		return heads
	}
	run(strings.Join(lines[:20], ""))
	for _, path := range []string{col.database(), sealed} {
		require.NoError(t, exec.Command("cp", "-a", path, path+".old").Run())
	}
	heads := run(strings.Join(lines[20:], ""))

	var kept strings.Builder
	for _, record := range server.Query(t, `event.name:="sessionlog.seal.head"`) {
		require.NoError(t, json.NewEncoder(&kept).Encode(record))
	}
	keys, err := seal.ParseKeys(public)
	require.NoError(t, err)
	findings := func() (kinds []verify.Kind, held int) {
		cfg := sqlite.DefaultConfig()
		cfg.Path = col.database()
		store, err := sqlite.OpenQueryStore(t.Context(), cfg)
		require.NoError(t, err)
		defer func() { require.NoError(t, store.Close()) }()
		summary, err := verify.Run(t.Context(), store, verify.Options{Keys: keys, Heads: seal.HeadsIn(kept.String()), At: time.Now()}, func(f verify.Finding) { kinds = append(kinds, f.Kind) })
		require.NoError(t, err)
		return kinds, summary.HeadsHeld
	}
	kinds, held := findings()
	require.Empty(t, kinds)
	require.Equal(t, heads, held)
	for _, path := range []string{col.database(), sealed} {
		require.NoError(t, os.RemoveAll(path))
		require.NoError(t, os.Rename(path+".old", path))
	}
	_ = os.Remove(col.database() + "-wal")
	kinds, _ = findings()
	require.Contains(t, kinds, verify.KindRolledBack)
}
