//go:build linux

// Command pipelines runs whole pipelines, ours and those of contrib's collector in turn, each in a process of its own, and says how fast they were,
// what they cost and whether every row arrived. README.md of this module says how it measures.
//
//	make bench-pipelines PIPELINES=json-sqlite PIPELINE_ROWS=200000
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/otel-sessionlog/sessionlog/bench/input"
	"github.com/otel-sessionlog/sessionlog/internal/proof"
)

// options are the flags.
type options struct {
	root, names, work, proofs string
	collector                 string // of this tree; "" to build it
	profiles, with            string
	rows, repeats             int
	seed                      uint64
	withPeers, again          bool
	statements, columns       bool
	visitor, sealed, together bool
	table                     bool
}

func main() {
	var o options
	flag.StringVar(&o.root, "root", "..", "the repository's folder")
	flag.StringVar(&o.names, "pipelines", "", "names with commas between; all, or none for the starred ones")
	flag.StringVar(&o.proofs, "proofs", "../proofs", "where pipelines.csv and pipelines-curves.csv are")
	flag.StringVar(&o.work, "work", os.TempDir(), "where folders of some gigabytes may stand for a while")
	flag.StringVar(&o.profiles, "profile", "", "folder for processor profiles of our collectors; they cost some speed")
	flag.StringVar(&o.with, "compare", "", "a commit whose results, of this machine and as many rows, these are held against")
	flag.IntVar(&o.rows, "rows", 1_000_000, "rows of each input")
	flag.IntVar(&o.repeats, "repeats", 1, "runs of each pipeline")
	flag.Uint64Var(&o.seed, "seed", 1, "of the inputs")
	flag.BoolVar(&o.withPeers, "peers", true, "run too what stands beside ours: contrib's collector, and a loop by hand")
	flag.BoolVar(&o.again, "again", false, "run also what the results have of this commit, machine and number of rows")
	flag.BoolVar(&o.statements, "statements", false, "print what a ClickHouse that is written to spent on its statements, and beside them on merges")
	flag.BoolVar(&o.sealed, "sealed", false, "run pipelines from JSONEachRow into tables a second time, with seals")
	flag.BoolVar(&o.together, "together", false, "run what stands beside each other at one time: what the machine does slower for a while then costs each of them the same, and only the processor's seconds mean something")
	flag.BoolVar(&o.visitor, "visitor", false, "run json-sqlite a second time, while one click a second is made in what it writes")
	flag.BoolVar(&o.table, "table", false, "run nothing, but put what the results have of so many rows into README.md")
	flag.BoolVar(&o.columns, "columns", false, "print the bytes an event that each column of a ClickHouse takes that is written to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := o.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pipelines:", err)
		os.Exit(1)
	}
}

func (o options) run(ctx context.Context) error {
	chosen, err := choose(o.names)
	if err != nil {
		return err
	}
	table, curves := filepath.Join(o.proofs, "pipelines.csv"), filepath.Join(o.proofs, "pipelines-curves.csv")
	if o.together { // rates mean nothing then
		table, curves = filepath.Join(o.proofs, "pipelines-together.csv"), os.DevNull
	}
	results, err := openResults(table, curves)
	if err != nil {
		return err
	}
	if o.table {
		return results.writeTable(filepath.Join(o.root, "README.md"), o.rows)
	}
	room, err := o.prepare(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(room.work) }()
	id := identity{commit: proof.Commit(ctx), cores: runtime.NumCPU(), rows: o.rows}
	if id.cpu, err = machine(); err != nil {
		return err
	}
	fmt.Printf("%s, %d × %s, %d rows, seed %d\n%s\n", id.commit, id.cores, id.cpu, o.rows, o.seed, heading)
	var failures []error
	for id.run = 1; id.run <= o.repeats; id.run++ {
		for _, p := range chosen {
			failures = append(failures, o.runWays(ctx, room, results, id, p))
			if ctx.Err() != nil {
				return errors.Join(append(failures, ctx.Err())...)
			}
		}
	}
	if o.visitor {
		results.printVisited(os.Stdout, id)
	}
	if o.with != "" {
		failures = append(failures, results.compare(os.Stdout, id, o.with, chosen))
	}
	return errors.Join(failures...)
}

// runWays runs a pipeline in each way that is wanted. What comes first changes from run to run: the machine is another one after some minutes.
func (o options) runWays(ctx context.Context, room *machineRoom, results *results, id identity, p pipeline) error {
	if err := room.write(p.input, o); err != nil {
		return err
	}
	ways := slices.DeleteFunc(slices.Clone(p.ways), func(w way) bool {
		id.pipeline, id.system = p.name, w.system
		return !o.wants(w.system) || !o.again && results.has(id)
	})
	if id.run%2 == 0 {
		slices.Reverse(ways)
	}
	var running errgroup.Group
	if !o.together {
		running.SetLimit(1)
	}
	errs := make([]error, len(ways))
	for i, w := range ways {
		running.Go(func() error {
			id := id
			id.pipeline, id.system = p.name, w.system
			if err := o.runOnce(ctx, room, results, id, p, w); err != nil {
				errs[i] = fmt.Errorf("%s of %s, run %d: %w", p.name, w.system, id.run, err)
			}
			return ctx.Err()
		})
	}
	_ = running.Wait() // the errors are kept
	return errors.Join(errs...)
}

func (o options) wants(system string) bool {
	switch system {
	case ours:
		return true
	case visited:
		return o.visitor
	case sealed:
		return o.sealed
	}
	return o.withPeers
}

// runOnce runs, prints and keeps what a run has shown. A run that lost or doubled rows is kept too, and an error.
func (o options) runOnce(ctx context.Context, room *machineRoom, results *results, id identity, p pipeline, w way) error {
	busy, err := load()
	if err != nil {
		return err
	}
	m, err := room.run(ctx, p, w)
	if err != nil {
		fmt.Printf("%-22s %-10s failed: %v\n", p.name, w.system, err)
		return err
	}
	fmt.Printf(rowFormat, p.name, w.system, id.run, busy, m.first, m.last, m.mean, m.collectorCPU, m.sourceCPU, m.sinkCPU, m.peak, m.bytesARow, m.found)
	err = results.add(id, busy, m)
	if m.found != m.expected {
		err = errors.Join(err, fmt.Errorf("%d rows arrived in place of %d", m.found, m.expected))
	}
	return err
}

const (
	heading   = "pipeline               system     run  load   first    last    mean  rows/s |  CPU s  source    sink | peak MB  bytes a row    found"
	rowFormat = "%-22s %-10s %3d %5s %7.0f %7.0f %7.0f         | %6.1f  %6.1f  %6.1f | %7.0f  %11.0f %8d\n"
)

// choose finds pipelines by their names.
func choose(names string) ([]pipeline, error) {
	if names == "" || names == "all" {
		return slices.DeleteFunc(slices.Clone(pipelines), func(p pipeline) bool { return names == "" && !p.starred }), nil
	}
	var chosen []pipeline
	for _, name := range strings.Split(names, ",") {
		i := slices.IndexFunc(pipelines, func(p pipeline) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no pipeline is called %q: there are %s", name, allNames())
		}
		chosen = append(chosen, pipelines[i])
	}
	return chosen, nil
}

func allNames() string {
	var names []string
	for _, p := range pipelines {
		names = append(names, p.name)
	}
	return strings.Join(names, ", ")
}

// prepare builds the collectors, into the repository's cache.
func (o options) prepare(ctx context.Context) (*machineRoom, error) {
	root, err := filepath.Abs(o.root)
	if err != nil {
		return nil, err
	}
	cache := filepath.Join(root, ".cache", "bench")
	room := &machineRoom{
		root:     root,
		binaries: map[string]string{ours: filepath.Join(cache, "otelcol-sessionlog"), peers: filepath.Join(cache, "peer"), byHand: filepath.Join(cache, "byhand")},
		configs:  filepath.Join(root, "bench", "pipelines", "configs"),
		profiles: o.profiles, statements: o.statements, columns: o.columns,
		inputs: map[string]inputFile{},
	}
	if o.collector != "" {
		room.binaries[ours] = o.collector
	} else if err := build(ctx, root, room.binaries[ours], "./cmd/otelcol-sessionlog", "GOWORK="); err != nil {
		return nil, err
	}
	room.binaries[sealed] = room.binaries[ours]
	if o.visitor {
		room.binaries[visited], room.visitor = room.binaries[ours], filepath.Join(cache, "clicks")
		if err := build(ctx, filepath.Join(root, "bench"), room.visitor, "./clicks", "GOWORK=off"); err != nil {
			return nil, err
		}
	}
	if o.withPeers {
		for _, system := range [...]string{peers, byHand} {
			binary := room.binaries[system]
			if err := build(ctx, filepath.Join(root, "bench"), binary, "./"+filepath.Base(binary), "GOWORK=off"); err != nil {
				return nil, err
			}
		}
	}
	room.work, err = os.MkdirTemp(o.work, "pipelines-")
	return room, err
}

// build runs in the workspace or outside: this module is none of its. The flags are those of internal/e2e, which has linked the same file.
func build(ctx context.Context, dir, binary, pkg, workspace string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags", "-s -w", "-o", binary, pkg)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, os.Stderr, os.Stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", workspace)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build %s: %w", pkg, err)
	}
	return nil
}

// write makes the input of a format, once, and none for sources that do so themselves.
func (m *machineRoom) write(format string, o options) error {
	if _, ok := m.inputs[format]; ok {
		return nil
	}
	if format == "" {
		m.inputs[""] = inputFile{Written: input.Written{Rows: o.rows, Events: o.rows}}
		return nil
	}
	path := filepath.Join(m.work, format)
	written, err := input.Formats[format].Write(path, o.root, o.rows, o.seed)
	m.inputs[format] = inputFile{written, path}
	return err
}
