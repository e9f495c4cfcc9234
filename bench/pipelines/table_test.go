//go:build linux

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// tableRows is the number of rows of the runs that README.md shows.
const tableRows = 1_000_000

// TestReadmeShowsTheResults holds README.md's table against proofs/pipelines.csv: 'make bench-table' writes it.
func TestReadmeShowsTheResults(t *testing.T) {
	r, err := openResults("../../proofs/pipelines.csv", "../../proofs/pipelines-curves.csv")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "README.md")
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, text, 0o600))
	require.NoError(t, r.writeTable(path, tableRows))
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(text), "run 'make bench-table'")
}

func TestTableShowsTheNewestCommitBesideItsPeer(t *testing.T) {
	dir := t.TempDir()
	r, err := openResults(filepath.Join(dir, "pipelines.csv"), filepath.Join(dir, "curves.csv"))
	require.NoError(t, err)
	id := identity{commit: "old", pipeline: "json-nop", system: peers, rows: 10, run: 1}
	require.NoError(t, r.add(id, "0", measurement{mean: 77, expected: 10, found: 10}))
	id.commit, id.system = "new", ours
	require.NoError(t, r.add(id, "0", measurement{first: 3000, last: 2000, mean: 2500, collectorCPU: 4, sinkCPU: 6, peak: 80, bytesARow: 90, expected: 10, found: 10}))
	require.Contains(t, r.markdown(10), "| `json-nop` | 3 k → 2 k (2 k) | 4.0, 6.0 | 80 | 90 | | | | |\n")
	id.system = peers
	require.NoError(t, r.add(id, "0", measurement{mean: 1_234_567, collectorCPU: 35, expected: 10, found: 10}))
	require.Contains(t, r.markdown(10), "| 90 | 1235 k | 35.0 | 0 | 3.5 |\n")
	require.NotContains(t, r.markdown(11), "json-nop")
	require.Equal(t, "1,234,567", grouped(1_234_567))
	_, err = replaceTable("no marks", "")
	require.ErrorContains(t, err, "are missing")
}
