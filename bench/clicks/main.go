//go:build unix

// Command clicks writes a made-up history of logins into a backend, asks everything that a person may click at in the explorer, and says
// how long each first answer takes.
package main

import (
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/proof"
	"github.com/otel-sessionlog/sessionlog/query"
)

func main() {
	kind := flag.String("backend", "sqlite", "sqlite, postgresql or clickhouse")
	dir := flag.String("dir", filepath.Join(os.TempDir(), "clicks"), "folder of the database, which stays")
	rows := flag.Int("rows", 10_000_000, "rows, if it is to be filled")
	results := flag.String("results", "", "file to which the results are appended")
	only := flag.String("only", "", "regular expression for names of clicks")
	showSQL := flag.Bool("sql", false, "print the first statement of each")
	flag.DurationVar(&budget.Time, "budget", budget.Time, "time of a question")
	tend := flag.Bool("tend", false, "ask nothing, but let the backend do what it does in quiet times, in a database of an older program")
	visited := flag.String("visit", "", "a SQLite file that somebody writes: click at one thing a second in it, until the end")
	flag.Parse()
	if *visited != "" {
		if err := visit(context.Background(), *visited); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := run(context.Background(), *kind, filepath.Join(*dir, fmt.Sprintf("%s-%d", *kind, *rows)), *rows, *results, *only, *showSQL, *tend); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kind, dir string, rows int, results, only string, showSQL, tend bool) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a server of another account enters it
		return err
	}
	p, err := openPlace(ctx, kind, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	filled := filepath.Join(dir, "filled")
	if _, err := os.Stat(filled); err != nil {
		if err := p.fill(ctx, rows); err != nil {
			return err
		}
		if err := os.WriteFile(filled, nil, 0o600); err != nil {
			return err
		}
	}
	if tend {
		return p.tend(ctx)
	}
	if err := p.renewViews(ctx); err != nil {
		return err
	}
	store, err := p.ask(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	key, record, at, err := chooseSession(ctx, store)
	if err != nil {
		return err
	}
	var lines [][]string
	for _, c := range append(everyClick(key, record, at), viewClicks(p.views)...) {
		if !regexp.MustCompile(only).MatchString(c.name) {
			continue
		}
		line, err := measure(ctx, store, c, showSQL)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		lines = append(lines, append([]string{proof.Commit(ctx), kind, strconv.Itoa(rows)}, line...))
	}
	return appendResults(results, lines)
}

// measure asks three times; the first time, what is on the disk may have to be read.
func measure(ctx context.Context, s query.Store, c click, showSQL bool) ([]string, error) {
	var took, used []time.Duration
	var covered query.Coverage
	var answer int
	for range 3 {
		begin, cpu := time.Now(), processorTime()
		var err error
		if covered, answer, err = c.ask(ctx, s); err != nil {
			return nil, err
		}
		took, used = append(took, time.Since(begin)), append(used, processorTime()-cpu)
	}
	first := took[0]
	read, err := rowsWithin(ctx, s, covered)
	if err != nil {
		return nil, err
	}
	text := []string{c.name, milliseconds(first), milliseconds(median(took)), milliseconds(median(used)), strconv.FormatBool(covered.Complete), read, strconv.Itoa(answer), strconv.Itoa(len(covered.SQL))}
	fmt.Printf("%-45s first %8s ms, median %8s ms, processor %8s ms, complete %-5s rows of the time %9s, %5s lines, %2s statements\n", text[0], text[1], text[2], text[3], text[4], text[5], text[6], text[7])
	if showSQL && len(covered.SQL) > 0 {
		fmt.Println(covered.SQL[0])
	}
	return text, nil
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/1e6) }

// processorTime is that of this process: of SQLite all, of a server what the client spends.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// rowsWithin counts the rows of the time that an answer covers: it has read at most so many of the range.
func rowsWithin(ctx context.Context, s query.Store, covered query.Coverage) (string, error) {
	if covered.Until.IsZero() {
		return "0", nil
	}
	count := ""
	for cells, err := range s.Rows(ctx, s.Select("count(*)")+" FROM "+s.Table()+" WHERE "+s.Between(covered.From.UnixNano(), covered.Until.UnixNano()), 1) {
		if err != nil {
			return "", err
		}
		count = cells[0].Text
	}
	return count, nil
}

var heading = []string{"commit", "backend", "rows", "click", "first_ms", "median_ms", "processor_ms", "complete", "rows_of_the_time", "lines", "statements"}

func appendResults(name string, lines [][]string) error {
	if name == "" {
		return nil
	}
	_, missing := os.Stat(name)
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // results are for everybody
	if err != nil {
		return err
	}
	w := csv.NewWriter(file)
	if missing != nil {
		lines = append([][]string{heading}, lines...)
	}
	return errors.Join(w.WriteAll(lines), file.Close())
}
