//go:build linux

package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// The table of README.md stands between these two lines.
const (
	tableBegin = "<!-- pipelines: made by make bench-table -->\n"
	tableEnd   = "<!-- end of pipelines -->\n"

	tableHeading = "| pipeline, %s rows | rows/s: first → last 100,000 (mean) | CPU s: collector, server | peak MB | bytes a row | contrib's: mean rows/s | CPU s | peak MB | its CPU, times ours |\n" +
		"|---|---|---|---|---|---|---|---|---|\n"
)

// markdown is a line for each pipeline of ours that the results have with so many rows: medians of the commit that was measured last, and of
// contrib's collector on the same commit.
func (r *results) markdown(rows int) string {
	var table strings.Builder
	fmt.Fprintf(&table, tableHeading, grouped(rows))
	for _, p := range pipelines {
		id, found := r.newest(p.name, rows)
		if !found {
			continue
		}
		own := r.figuresOf(id)
		if own.mean == 0 {
			continue // nothing flows: idle
		}
		id.system = peers
		peer := r.figuresOf(id)
		fmt.Fprintf(&table, "| `%s` | %s → %s (%s) | %s | %s | %s |%s\n", p.name, thousands(own.first), thousands(own.last), thousands(own.mean),
			own.processorTime(), decimal(own.peak, 0), blankZero(own.bytesARow), peer.besides(own))
	}
	return table.String()
}

// newest is the last commit on which a pipeline of ours ran with so many rows.
func (r *results) newest(pipeline string, rows int) (identity, bool) {
	for _, id := range slices.Backward(r.order) {
		if id.pipeline == pipeline && id.rows == rows && id.system == ours && !strings.HasSuffix(id.commit, "-dirty") {
			return id, true
		}
	}
	return identity{}, false
}

func (r *results) figuresOf(id identity) measurement {
	return measurement{
		first: r.median(id, "first_rows_s"), last: r.median(id, "last_rows_s"), mean: r.median(id, "mean_rows_s"),
		collectorCPU: r.median(id, "collector_cpu_s"), sinkCPU: r.median(id, "source_cpu_s") + r.median(id, "sink_cpu_s"),
		peak: r.median(id, "peak_mb"), bytesARow: r.median(id, "bytes_a_row"),
	}
}

func (m measurement) processorTime() string {
	if m.sinkCPU < 0.05 {
		return decimal(m.collectorCPU, 1)
	}
	return decimal(m.collectorCPU, 1) + ", " + decimal(m.sinkCPU, 1)
}

// besides are the cells of contrib's collector, empty where there is none.
func (m measurement) besides(own measurement) string {
	if m.mean == 0 {
		return " | | | |"
	}
	ratio := (m.collectorCPU + m.sinkCPU) / (own.collectorCPU + own.sinkCPU)
	return fmt.Sprintf(" %s | %s | %s | %s |", thousands(m.mean), m.processorTime(), decimal(m.peak, 0), decimal(ratio, 1))
}

func blankZero(v float64) string {
	if v == 0 {
		return ""
	}
	return decimal(v, 0)
}

func thousands(v float64) string { return decimal(v/1000, 0) + " k" }

// grouped writes 1234567 as 1,234,567.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// replaceTable puts the table into a text that has its two marks.
func replaceTable(text, table string) (string, error) {
	before, rest, found := strings.Cut(text, tableBegin)
	_, after, closed := strings.Cut(rest, tableEnd)
	if !found || !closed {
		return "", fmt.Errorf("the lines %q and %q are missing", tableBegin, tableEnd)
	}
	return before + tableBegin + table + tableEnd + after, nil
}

// writeTable replaces the table in a file.
func (r *results) writeTable(path string, rows int) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	replaced, err := replaceTable(string(text), r.markdown(rows))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(replaced), 0o644) //nolint:gosec // a page for everybody
}
