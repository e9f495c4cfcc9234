// Command fuzzlong gives every fuzz target of the module its share of a long time of fuzzing, in slices that can be
// interrupted and resumed, and writes a line of each slice to a results file that is kept with the code.
//
//	go run ./internal/fuzzlong -minutes 30
//
// What counts is the results file: whoever runs the command again, after Ctrl-C, kill -9 or a week, goes on with the target
// that has had the least time. A killed slice is not in the file; the inputs that it found are in the corpus all the same.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

type options struct {
	minutes  float64       // of fuzzing that each target shall have in all
	slice    time.Duration // how long one target runs before the next has its turn
	parallel int           // workers
	packages []string
	results  string // the file of lines, below the module's root
	corpus   string // where new inputs are kept, below the module's root
	table    string // a Markdown file whose tables are to be written anew; then nothing is fuzzed
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzzlong:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	set := flag.NewFlagSet("fuzzlong", flag.ContinueOnError)
	set.Float64Var(&o.minutes, "minutes", 30, "minutes of fuzzing that each target shall have in all")
	set.DurationVar(&o.slice, "slice", 5*time.Minute, "how long one target runs before the next has its turn")
	set.IntVar(&o.parallel, "parallel", 1, "workers of a target, and cores that it may use")
	packages := set.String("packages", "./...", "packages whose targets are run, separated by blanks")
	set.StringVar(&o.results, "results", "proofs/fuzz.csv", "file that gets a line a slice")
	set.StringVar(&o.corpus, "corpus", ".cache/fuzz", "folder of the inputs that reached new code")
	set.StringVar(&o.table, "table", "", "write the tables of this Markdown file anew, and fuzz nothing")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	o.packages = strings.Fields(*packages)
	if o.minutes <= 0 || o.slice < time.Second || o.parallel < 1 || len(o.packages) == 0 || set.NArg() > 0 {
		return o, errors.New("minutes and parallel must be positive, slice a second or more, packages not empty, and there are no arguments")
	}
	return o, nil
}

func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	m, err := findModule(ctx)
	if err != nil {
		return err
	}
	o.results, o.corpus = filepath.Join(m.dir, o.results), filepath.Join(m.dir, o.corpus)
	targets, err := m.targets(ctx, o.packages)
	if err != nil {
		return err
	}
	results, err := readResults(o.results)
	if err != nil {
		return err
	}
	if o.table != "" {
		return writeTables(o.table, filepath.Dir(o.results), m.summary(ctx, targets, results))
	}
	c := campaign{options: o, module: m, targets: targets, results: results, out: out}
	return c.run(ctx)
}
