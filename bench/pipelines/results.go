//go:build linux

package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/proof"
)

var (
	resultColumns = strings.Split("commit,date,cpu,cores,load,pipeline,system,run,rows,first_rows_s,last_rows_s,mean_rows_s,"+
		"collector_cpu_s,source_cpu_s,sink_cpu_s,peak_mb,bytes_a_row,expected,found", ",")
	curveColumns = strings.Split("commit,date,pipeline,system,run,rows,up_to,rows_s", ",")
)

// identity is what a run is known by.
type identity struct {
	commit, cpu, pipeline, system string
	cores, rows, run              int
}

// results are the files of proofs/.
type results struct {
	mu            sync.Mutex
	table, curves string
	lines         map[identity][]string // those of runs that lost nothing
	order         []identity            // of lines, as the file has them
}

// openResults makes the files where they are missing, and reads what they have.
func openResults(table, curves string) (*results, error) {
	r := &results{table: table, curves: curves, lines: map[identity][]string{}}
	if err := errors.Join(withColumns(table, resultColumns), withColumns(curves, curveColumns)); err != nil {
		return nil, err
	}
	file, err := os.Open(table)
	if err != nil {
		return nil, err
	}
	lines, err := csv.NewReader(file).ReadAll()
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", table, err)
	}
	for _, line := range lines[1:] {
		r.keep(line)
	}
	return r, nil
}

// keep takes a line of a run that lost nothing.
func (r *results) keep(line []string) {
	cell := map[string]string{}
	for i, name := range resultColumns {
		cell[name] = line[i]
	}
	if cell["expected"] == cell["found"] {
		id := identity{
			cell["commit"], cell["cpu"], cell["pipeline"], cell["system"],
			number(cell["cores"]), number(cell["rows"]), number(cell["run"]),
		}
		r.lines[id], r.order = line, append(r.order, id)
	}
}

// has tells whether a run need not be run again. One on code that was not committed must: nobody can say what it ran on.
func (r *results) has(id identity) bool {
	return r.lines[id] != nil && !strings.HasSuffix(id.commit, "-dirty")
}

func number(text string) int {
	n, _ := strconv.Atoi(text) // a cell that somebody spoilt is a run that is not done
	return n
}

func withColumns(path string, columns []string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, []byte(strings.Join(columns, ",")+"\n"), 0o644) //nolint:gosec // results are for everybody
}

func (r *results) add(id identity, load string, m measurement) error {
	date := time.Now().UTC().Format("2006-01-02T15:04Z")
	line := []string{
		id.commit, date, id.cpu, strconv.Itoa(id.cores), load, id.pipeline, id.system, strconv.Itoa(id.run), strconv.Itoa(id.rows),
		decimal(m.first, 0), decimal(m.last, 0), decimal(m.mean, 0), decimal(m.collectorCPU, 2), decimal(m.sourceCPU, 2), decimal(m.sinkCPU, 2),
		decimal(m.peak, 0), decimal(m.bytesARow, 0), strconv.Itoa(m.expected), strconv.Itoa(m.found),
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keep(line)
	var points [][]string
	for _, s := range m.curve.stretches() {
		points = append(points, []string{id.commit, date, id.pipeline, id.system, strconv.Itoa(id.run), strconv.Itoa(id.rows), strconv.Itoa(s.upTo), decimal(s.rate, 0)})
	}
	return errors.Join(proof.Append(r.table, line), proof.Append(r.curves, points...))
}

func decimal(v float64, digits int) string { return strconv.FormatFloat(v, 'f', digits, 64) }
