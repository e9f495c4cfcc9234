package main

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestResultsReadBack(t *testing.T) {
	t.Chdir(t.TempDir())
	none, err := readResults("proofs/fuzz.csv")
	require.NoError(t, err)
	require.Empty(t, none)
	want := []result{
		{
			commit: "0123456789ab", golang: "go1.26.0", target: target{pkg: "part", name: "FuzzGood"}, start: time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC),
			seconds: 300, corpus: 12, execs: 1 << 40, found: 3, outcome: passed,
		},
		{
			commit: "0123456789ab", dirty: true, golang: "go1.26.0", target: target{pkg: "part", name: "FuzzBad"}, start: time.Date(2026, 11, 22, 1, 7, 3, 0, time.UTC),
			seconds: 1.5, outcome: failed, artefact: "testdata/fuzz/FuzzBad/0,1",
		},
	}
	for i := range want {
		require.NoError(t, appendResult("proofs/fuzz.csv", &want[i]))
	}
	got, err := readResults("proofs/fuzz.csv")
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, 300*time.Second, spent(got, want[0].target))

	for _, line := range []string{"a,b\n", "c,clean,go,p,t,yesterday,1,1,1,1,passed,\n", "c,clean,go,p,t,2026-11-22T01:02:03Z,x,1,1,1,passed,\n"} {
		require.NoError(t, os.WriteFile("torn.csv", []byte(line), 0o644))
		_, err := readResults("torn.csv")
		require.ErrorContains(t, err, "torn.csv")
		require.ErrorContains(t, err, "line 1")
	}
}

// The listener reads what Go's fuzzer says, in whatever portions it comes.
func TestListener(t *testing.T) {
	const said = "fuzz: elapsed: 0s, gathering baseline coverage: 0/33 completed\n" +
		"fuzz: elapsed: 3s, execs: 14532 (4843/sec), new interesting: 5 (total: 38)\n" +
		"fuzz: elapsed: 1m4s, execs: 114532 (4843/sec), new interesting: 7 (total: 40)\n"
	const failure = "fuzz: elapsed: 1m5s, minimizing\n--- FAIL: FuzzBad (65.20s)\n    --- FAIL: FuzzBad (0.00s)\n        part_test.go:20: even\n    \n" +
		"    Failing input written to testdata/fuzz/FuzzBad/771e938e4458e983\n    To re-run:\n"
	for _, size := range []int{1, 7, 1000} {
		r := result{}
		feed(t, &listener{result: &r, out: t.Output()}, said, size)
		require.Equal(t, result{seconds: 64, corpus: 33, execs: 114532, found: 7}, r)
		feed(t, &listener{result: &r, out: t.Output()}, failure, size)
		require.Equal(t, failed, r.outcome)
		require.Equal(t, 65.2, r.seconds)
		require.Equal(t, "testdata/fuzz/FuzzBad/771e938e4458e983", r.artefact)
	}
	r := result{}
	late := &listener{result: &r, out: t.Output()}
	feed(t, late, "--- FAIL: FuzzGood (60.30s)\n    context deadline exceeded\nFAIL\n", 1000)
	require.True(t, late.late && r.artefact == "", "which is no failure of the target")
	feed(t, &listener{result: &r, out: t.Output()}, "failure while testing seed corpus entry: FuzzBad/seed#0\n", 1000)
	require.Equal(t, failed, r.outcome)
	require.Equal(t, "testdata/fuzz/FuzzBad/seed#0", r.artefact)
}

func feed(t *testing.T, l *listener, text string, size int) {
	t.Helper()
	for text != "" {
		n := min(size, len(text))
		_, err := l.Write([]byte(text[:n]))
		require.NoError(t, err)
		text = text[n:]
	}
}

// Tables stand between their marks, and everything else stays.
func TestTables(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "README.md", "# P\n<!-- table: fuzz.csv -->\nold\n<!-- end -->\nand\n<!-- table: other.csv --><!-- end -->\n<!-- table: other.csv -->\n<!-- end -->\n<!-- table: none.csv -->\n<!-- end -->\n")
	write(t, "other.csv", "a,b\n1,\"x|y\"\n")
	list := []summary{{target: target{pkg: "part", name: "FuzzGood"}, spent: 90 * time.Second, current: 30 * time.Second, execs: 7, found: 2, failures: 1}}
	for range 2 { // it can be written again
		require.NoError(t, writeTables("README.md", ".", list))
		text, err := os.ReadFile("README.md")
		require.NoError(t, err)
		require.Equal(t, "# P\n<!-- table: fuzz.csv -->\n"+fuzzTable(list)+"<!-- end -->\nand\n<!-- table: other.csv --><!-- end -->\n"+
			"<!-- table: other.csv -->\n| a | b |\n|---|---|\n| 1 | x\\|y |\n<!-- end -->\n<!-- table: none.csv -->\nNone yet.\n<!-- end -->\n", string(text))
	}
	require.Contains(t, fuzzTable(list), "| part | FuzzGood | 1.5 | 0.5 | 7 | 2 | 1 |\n")
}
