//go:build linux

package main

import (
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/engines"
)

// TestStarredPipelines runs what the command runs by default, of ours, with a few rows: each arrives, and a second call runs nothing again.
func TestStarredPipelines(t *testing.T) {
	o := options{root: "../..", collector: builtCollector(t), proofs: t.TempDir(), work: t.TempDir(), rows: 1000, repeats: 1, seed: 1}
	err := o.run(t.Context())
	if errors.Is(err, engines.ErrMissing) {
		testengine.Missing(t, "whole pipelines", "run 'make engines'")
	}
	require.NoError(t, err)
	lines := readLines(t, filepath.Join(o.proofs, "pipelines.csv"))
	require.Len(t, lines, 1+5)
	for _, line := range lines[1:] {
		require.Len(t, line, len(resultColumns))
		require.Equal(t, []string{"1000", "1000"}, line[len(line)-2:], "%s", line)
		cpu, err := strconv.ParseFloat(line[12], 64)
		require.NoError(t, err)
		require.Positive(t, cpu, "%s", line)
	}
}

// builtCollector is the program that make test has built, if it runs this.
func builtCollector(t *testing.T) string {
	t.Helper()
	path := os.Getenv("SESSIONLOG_COLLECTOR")
	if path != "" {
		_, err := os.Stat(path)
		require.NoError(t, err)
	}
	return path
}

func readLines(t *testing.T, path string) [][]string {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	lines, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	return lines
}

// TestALostRowIsAnError shows that the check of the command can fail: the sink has one row less than the source.
func TestALostRowIsAnError(t *testing.T) {
	p, err := choose("json-sqlite")
	require.NoError(t, err)
	p[0].ways[0].found = "SELECT count(*) - 1 FROM session_events"
	o := options{root: "../..", collector: builtCollector(t), proofs: t.TempDir(), work: t.TempDir(), rows: 100, repeats: 1, seed: 1}
	r, err := openResults(filepath.Join(o.proofs, "pipelines.csv"), filepath.Join(o.proofs, "pipelines-curves.csv"))
	require.NoError(t, err)
	room, err := o.prepare(t.Context())
	require.NoError(t, err)
	require.ErrorContains(t, o.runWays(t.Context(), room, r, identity{run: 1}, p[0]), "99 rows arrived in place of 100")
}

func TestFinishedRunsAreNotRunAgain(t *testing.T) {
	dir := t.TempDir()
	table, curves := filepath.Join(dir, "pipelines.csv"), filepath.Join(dir, "curves.csv")
	r, err := openResults(table, curves)
	require.NoError(t, err)
	clean := identity{commit: "abc", cpu: "x", pipeline: "json-nop", system: ours, cores: 2, rows: 10, run: 1}
	dirty, lost := clean, clean
	dirty.commit, lost.run = "abc-dirty", 2
	require.NoError(t, r.add(clean, "0.1", measurement{expected: 10, found: 10}))
	require.NoError(t, r.add(dirty, "0.1", measurement{expected: 10, found: 10}))
	require.NoError(t, r.add(lost, "0.1", measurement{expected: 10, found: 9}))
	r, err = openResults(table, curves)
	require.NoError(t, err)
	require.True(t, r.has(clean))
	require.False(t, r.has(dirty))
	require.False(t, r.has(lost))
}

func TestATenthWorseIsAnError(t *testing.T) {
	dir := t.TempDir()
	r, err := openResults(filepath.Join(dir, "pipelines.csv"), filepath.Join(dir, "curves.csv"))
	require.NoError(t, err)
	old := identity{commit: "old", cpu: "x", pipeline: "json-nop", system: ours, cores: 2, rows: 10}
	now := old
	now.commit = "new"
	for run, mean := range []float64{1000, 100, 1010} { // one run is no median
		old.run, now.run = run, run
		require.NoError(t, r.add(old, "0", measurement{mean: mean, collectorCPU: 10, expected: 10, found: 10}))
		require.NoError(t, r.add(now, "0", measurement{mean: mean * 0.95, collectorCPU: 12, expected: 10, found: 10}))
	}
	chosen, err := choose("json-nop")
	require.NoError(t, err)
	var out strings.Builder
	require.EqualError(t, r.compare(&out, now, "old", chosen), "1 of 2 figures are worse than those of old by more than a tenth")
	require.Regexp(t, `mean_rows_s +1000.0 +950.0  0.95\n`, out.String())
	require.Regexp(t, `collector_cpu_s +10.0 +12.0  1.20  worse\n`, out.String())
	require.NoError(t, r.compare(&out, old, "new", chosen))
	require.NoError(t, r.compare(&out, old, "new0", chosen), "a commit of more digits than it had when it ran")
	require.ErrorContains(t, r.compare(&out, now, "nowhere", chosen), "no run of nowhere")
}

func TestRatesAreOfTheirStretch(t *testing.T) {
	begin := time.Unix(0, 0)
	var c curve
	rows := 0.0
	for second := range 60 { // 10,000 a second, from the 200,000th row on 5,000
		if rows += 10_000; second >= 20 {
			rows -= 5_000
		}
		c = append(c, sample{begin.Add(time.Duration(second) * time.Second), rows})
	}
	require.InDelta(t, 10_000, c.rate(0, 100_000), 1200) // the first second is no stretch
	require.InDelta(t, 5_000, c.rate(300_000, 400_000), 1)
	all := c.stretches()
	require.Len(t, all, 4)
	require.InDelta(t, 10_000, all[0].rate, 1)
	require.InDelta(t, 10_000, all[1].rate, 1)
	require.InDelta(t, 5_000, all[3].rate, 1)
	require.Empty(t, curve(nil).stretches())
}
