//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/otel-sessionlog/sessionlog/bench/input"
	"github.com/otel-sessionlog/sessionlog/testengine/port"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
)

const (
	sampleInterval = 100 * time.Millisecond
	stallLimit     = 90 * time.Second // without a row more, nothing is to come
	settleLimit    = 10 * time.Minute
)

// machineRoom is what all runs share.
type machineRoom struct {
	root     string            // of the repository
	binaries map[string]string // by system
	configs  string            // folder
	work     string            // folder of the runs
	profiles string            // folder for profiles of ours, "" for none
	visitor  string            // bench/clicks, where one is wanted
	inputs   map[string]inputFile

	statements bool // print what those of a ClickHouse cost
	columns    bool // print what those of a ClickHouse take
}

// inputFile is a file of rows.
type inputFile struct {
	input.Written
	path string
}

// measurement is what one run has shown.
type measurement struct {
	first, last, mean     float64 // input rows a second
	collectorCPU, sinkCPU float64 // seconds
	sourceCPU             float64
	peak                  float64 // MB, of all collectors together
	bytesARow             float64 // in the sink
	expected, found       int
	curve                 curve
}

// attempt is one run while it runs.
type attempt struct {
	pipeline
	way
	room         *machineRoom
	dir          string
	rows         inputFile
	source, sink engine
	collectors   []*collector // the reading one first
	environment  []string
	inputPort    string
}

// run runs a pipeline once, in a folder of its own.
func (m *machineRoom) run(ctx context.Context, p pipeline, w way) (result measurement, err error) {
	a := attempt{pipeline: p, way: w, room: m, rows: m.inputs[p.input]}
	if a.dir, err = os.MkdirTemp(m.work, p.name+"-"); err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	if err := a.startEngines(ctx); err != nil {
		return result, err
	}
	free, release, err := freePorts(ctx, 1+len(w.configs))
	if err != nil {
		return result, err
	}
	defer release()
	a.inputPort = free[0]
	a.environment = append(a.environment, "DATA="+a.dir, "INPUT="+a.rows.path, "INPUT_PORT="+a.inputPort, "ROOT="+m.root)
	if w.system == sealed {
		if err := makeSealKey(a.dir); err != nil {
			return result, err
		}
	}
	begin := time.Now()
	for i := len(w.configs) - 1; i >= 0; i-- { // who reads begins last
		begin = time.Now()
		c, err := startCollector(ctx, m.binaries[w.system], a.dir, free[1+i], m.configurations(w, i), append(a.environment, m.profileOf(p, w, i)))
		if err != nil {
			return result, err
		}
		a.collectors = append([]*collector{c}, a.collectors...)
	}
	if p.source == idleSource {
		return a.measureIdle(ctx)
	}
	if w.system == visited {
		leave, err := visit(m.visitor, filepath.Join(a.dir, "session_log.db"))
		if err != nil {
			return result, err
		}
		defer func() { err = errors.Join(err, leave()) }()
	}
	return a.measure(ctx, begin)
}

func makeSealKey(dir string) error {
	secret, _, err := seal.GenerateKey("bench")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "seal.key"), []byte(secret), 0o600)
}

// configurations are the files of a collector's configuration.
func (m *machineRoom) configurations(w way, i int) []string {
	names := []string{filepath.Join(m.configs, w.configs[i]+".yaml")}
	if w.configs[i] == idleSource {
		names = append([]string{filepath.Join(m.root, "config", "collector.yaml")}, names...)
	}
	if w.system == sealed {
		names = append(names, filepath.Join(m.configs, "sealed.yaml"))
	}
	if m.profiles != "" && (w.system == ours || w.system == sealed) {
		names = append(names, filepath.Join(m.configs, "profile.yaml"))
	}
	return names
}

// profileOf tells a collector where its profile goes.
func (m *machineRoom) profileOf(p pipeline, w way, i int) string {
	name := p.name + "-" + w.configs[i]
	if w.system == sealed {
		name += "-sealed"
	}
	return "PROFILE=" + filepath.Join(m.profiles, name+".pprof")
}

func (a *attempt) startEngines(ctx context.Context) (err error) {
	if start := sinkStarts[a.pipeline.sink]; start != nil {
		if a.sink, err = start(ctx, a.dir); err != nil {
			return err
		}
		a.environment = a.sink.environment()
	}
	if start := sourceStarts[a.pipeline.source]; start != nil {
		if a.source, err = start(ctx, filepath.Join(a.dir, "source"), a.rows); err != nil {
			return err
		}
		for _, pair := range a.source.environment() {
			a.environment = append(a.environment, "SOURCE_"+pair)
		}
	}
	return nil
}

// accepts waits until somebody listens.
func accepts(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for dialer := (net.Dialer{}); ; {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		if sleep(ctx, 20*time.Millisecond) != nil {
			return err
		}
	}
}

// freePorts are ports that nobody else is given until release.
func freePorts(ctx context.Context, n int) (ports []string, release func(), err error) {
	var held []*port.Reservation
	release = func() {
		for _, r := range held {
			_ = r.Close()
		}
	}
	for range n {
		r, err := port.ReserveWeakly(ctx, netip.MustParseAddrPort("127.0.0.1:0"))
		if err != nil {
			return nil, release, err
		}
		held = append(held, r)
		ports = append(ports, strconv.Itoa(int(r.Addr().Port())))
	}
	return ports, release, nil
}

// measure watches the collectors until all rows have arrived, and then asks the sink.
func (a *attempt) measure(ctx context.Context, begin time.Time) (result measurement, err error) {
	result.expected = a.rows.Events
	if a.lines {
		result.expected = a.rows.Rows
	}
	sourceBefore, sinkBefore, err := a.engineCPU()
	if err != nil {
		return result, err
	}
	sending, stopSending := context.WithCancel(ctx)
	defer stopSending()
	failed := make(chan error, 1)
	if send := senders[a.pipeline.source]; send != nil {
		if err := accepts(ctx, "127.0.0.1:"+a.inputPort); err != nil {
			return result, err
		}
		begin = time.Now()
		go func() { failed <- send(sending, a.rows.path, "127.0.0.1:"+a.inputPort) }()
	}
	counted, err := a.watch(ctx, &result, failed)
	if err != nil {
		return result, err
	}
	if err := a.weigh(&result); err != nil {
		return result, err
	}
	for _, c := range a.collectors {
		if err := c.stop(); err != nil {
			return result, fmt.Errorf("end of the collector: %w", err)
		}
	}
	a.rates(&result, begin)
	result.found = counted
	if a.sink != nil {
		if err := a.askSink(ctx, &result); err != nil {
			return result, err
		}
	}
	sourceAfter, sinkAfter, err := a.engineCPU()
	result.sourceCPU, result.sinkCPU = sourceAfter-sourceBefore, sinkAfter-sinkBefore
	return result, err
}

// watch samples the counter until it has seen all rows, or none for long.
func (a *attempt) watch(ctx context.Context, result *measurement, failed <-chan error) (int, error) {
	last, progress, scale := a.collectors[len(a.collectors)-1], time.Now(), float64(a.rows.Rows)/float64(result.expected)
	for seen := 0; seen < result.expected; {
		select {
		case err := <-failed:
			if failed = nil; err != nil {
				return seen, fmt.Errorf("sender: %w", err)
			}
		case <-last.Ended():
			return seen, fmt.Errorf("the collector ended by itself: %w", last.Result())
		case <-time.After(sampleInterval):
		}
		now, err := last.count(ctx, a.counter)
		switch {
		case err != nil:
			return seen, err
		case now > seen:
			seen, progress = now, time.Now()
			result.curve = append(result.curve, sample{progress, float64(now) * scale})
		case time.Since(progress) > stallLimit:
			return seen, nil
		}
	}
	return int(result.curve[len(result.curve)-1].rows/scale + 0.5), nil
}

// weigh reads what the collectors have taken so far.
func (a *attempt) weigh(result *measurement) error {
	for _, c := range a.collectors {
		cpu, err := cpuSeconds(c.ID())
		if err != nil {
			return err
		}
		peak, err := peakMegabytes(c.ID())
		if err != nil {
			return err
		}
		result.collectorCPU, result.peak = result.collectorCPU+cpu, result.peak+peak
	}
	return nil
}

func (a *attempt) rates(result *measurement, begin time.Time) {
	c := result.curve
	if len(c) == 0 {
		return
	}
	from, all := c[0].rows, c[len(c)-1].rows
	length := min(stretchRows, all/2)
	if from < length { // else all came within a sample or two
		result.first = c.rate(from, length)
	}
	result.last = c.rate(all-length, all)
	result.mean = all / c[len(c)-1].at.Sub(begin).Seconds()
}

// askSink counts what is in the sink, and what it weighs there.
func (a *attempt) askSink(ctx context.Context, result *measurement) error {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	if err := a.sink.settled(ctx); err != nil {
		return err
	}
	if server, ok := a.sink.(clickhouseEngine); ok && a.room.statements {
		if err := server.printStatements(ctx, os.Stdout); err != nil {
			return err
		}
	}
	if server, ok := a.sink.(clickhouseEngine); ok && a.room.columns {
		if err := server.printColumns(ctx, os.Stdout); err != nil {
			return err
		}
	}
	count, err := a.sink.question(ctx, a.found)
	if err != nil {
		return err
	}
	if result.found, err = strconv.Atoi(count); err != nil {
		return err
	}
	text, err := a.sink.bytes(ctx)
	if err != nil {
		return err
	}
	bytes, err := strconv.ParseFloat(text, 64)
	result.bytesARow = bytes / float64(max(1, result.found))
	return err
}

func (a *attempt) engineCPU() (source, sink float64, err error) {
	var errs [2]error
	if a.source != nil {
		source, errs[0] = cpuSeconds(a.source.processID())
	}
	if a.sink != nil {
		sink, errs[1] = cpuSeconds(a.sink.processID())
	}
	return source, sink, errors.Join(errs[:]...)
}

// close ends what still runs, and removes the folder.
func (a *attempt) close() error {
	var errs []error
	for _, c := range a.collectors {
		errs = append(errs, c.Kill())
	}
	for _, e := range []engine{a.source, a.sink} {
		if e != nil {
			errs = append(errs, e.Close())
		}
	}
	return errors.Join(append(errs, os.RemoveAll(a.dir))...)
}
