//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// compared are the columns of which a tenth for the worse is a regression; true where more is better.
var compared = []struct {
	column string
	more   bool
}{{"mean_rows_s", true}, {"last_rows_s", true}, {"collector_cpu_s", false}, {"peak_mb", false}, {"bytes_a_row", false}}

// tolerated is how much worse a median may be: as much as runs of the same code differ on an idle machine.
const tolerated = 0.1

// spelled gives a commit as the results have it: git abbreviates to more digits as a repository grows.
func (r *results) spelled(commit string) string {
	for _, id := range r.order {
		if strings.HasPrefix(commit, id.commit) || strings.HasPrefix(id.commit, commit) {
			return id.commit
		}
	}
	return commit
}

// compare prints the medians of a commit's runs beside those of another, of the same machine and rows. Its error says that some are a tenth worse,
// or that there is nothing to compare with.
func (r *results) compare(to io.Writer, id identity, with string, chosen []pipeline) error {
	with = r.spelled(with)
	seen, worse := 0, 0
	for _, p := range chosen {
		for _, w := range p.ways {
			before, now := id, id
			before.commit, before.pipeline, before.system = with, p.name, w.system
			now.pipeline, now.system = p.name, w.system
			for _, c := range compared {
				old, current := r.median(before, c.column), r.median(now, c.column)
				if old == 0 || current == 0 {
					continue
				}
				seen++
				ratio, mark := current/old, ""
				if c.more && ratio < 1-tolerated || !c.more && ratio > 1+tolerated {
					worse, mark = worse+1, "  worse"
				}
				fmt.Fprintf(to, "%-22s %-10s %-16s %10.1f %10.1f  %.2f%s\n", p.name, w.system, c.column, old, current, ratio, mark)
			}
		}
	}
	switch {
	case seen == 0:
		return fmt.Errorf("the results have no run of %s on this machine with %d rows", with, id.rows)
	case worse > 0:
		return fmt.Errorf("%d of %d figures are worse than those of %s by more than a tenth", worse, seen, with)
	}
	return nil
}

// median is that of a column over all runs of a pipeline; 0 where there are none.
func (r *results) median(of identity, column string) float64 {
	var values []float64
	for id, line := range r.lines {
		of.run = id.run
		if id != of {
			continue
		}
		value, err := strconv.ParseFloat(line[slices.Index(resultColumns, column)], 64)
		if err == nil {
			values = append(values, value)
		}
	}
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}
