package faults

import (
	"context"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/proof"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/verify"
	"github.com/otel-sessionlog/sessionlog/testengine"
)

// What enlarges the campaign, see make faults.
const (
	runsEnv    = "SESSIONLOG_FAULTS_RUNS"
	seedEnv    = "SESSIONLOG_FAULTS_SEED"
	eventsEnv  = "SESSIONLOG_FAULTS_EVENTS"
	resultsEnv = "SESSIONLOG_FAULTS_RESULTS"
)

const (
	arrivalLimit = 2 * time.Minute
	endLimit     = 40 * time.Second
	diskSize     = 48 << 20
)

// TestFaults is the campaign. A run that the results file has already, of the same seed and commit, is not made again.
func TestFaults(t *testing.T) {
	seed, runs, events := uint64(number(t, seedEnv, 1)), number(t, runsEnv, 9), number(t, eventsEnv, 48)
	commit, results := proof.Commit(t.Context()), os.Getenv(resultsEnv)
	done := finished(t, results, commit, seed)
	t.Logf("seed %d, %d runs, %d of them done before", seed, runs, len(done))
	shared := newServers(t)
	var total outcome
	defer func() {
		t.Logf("%d rows arrived, %d lost, %d doubled, %d altered; %d restarts of collectors that ended by themselves",
			total.arrived, total.lost, total.doubled, total.altered, total.restarts)
	}()
	for i := range runs {
		p := newPlan(seed, i, events)
		if done[i] {
			continue
		}
		t.Run(fmt.Sprintf("%d %s to %s", i, p.source, p.sink), func(t *testing.T) {
			t.Log(p)
			begin := time.Now()
			outcome := p.run(t, shared)
			total.add(outcome)
			if results != "" {
				require.NoError(t, proof.Append(results, []string{
					commit, strconv.FormatUint(seed, 10), strconv.Itoa(i), p.source, p.sink, strconv.Itoa(p.receivers), strconv.Itoa(outcome.arrived),
					p.faultText(), fmt.Sprintf("%.1f", time.Since(begin).Seconds()), strconv.Itoa(outcome.restarts), strconv.Itoa(outcome.lost), strconv.Itoa(outcome.doubled), strconv.Itoa(outcome.altered),
				}))
			}
			require.Zero(t, outcome.lost+outcome.doubled+outcome.altered, "%v: %s", p, strings.Join(outcome.examples, "\n"))
		})
	}
}

func number(t *testing.T, env string, usual int) int {
	t.Helper()
	text := os.Getenv(env)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, env)
	return n
}

func finished(t *testing.T, path, commit string, seed uint64) map[int]bool {
	t.Helper()
	done := map[int]bool{}
	if path == "" {
		return done
	}
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	for _, l := range lines {
		if n, err := strconv.Atoi(l[2]); err == nil && l[0] == commit && l[1] == strconv.FormatUint(seed, 10) {
			done[n] = true
		}
	}
	return done
}

// work is a run under way.
type work struct {
	*plan
	dir        string
	begin      time.Time
	restarts   int // of a collector that had ended by itself, as a supervisor does
	feed       feed
	sink       sink
	sourceWire *wire
	sinkWire   *wire
	col        *collector
}

func (p *plan) run(t *testing.T, shared *servers) outcome {
	t.Helper()
	w := &work{plan: p, dir: p.folder(t), begin: time.Now()}
	w.feed, w.sourceWire = newFeed(t, p, shared, w.dir)
	w.sink, w.sinkWire = newSink(t, p, shared, w.dir)
	receivers, names := p.receiverBlocks(w.feed)
	w.col = newCollector(t, w.dir, receivers, names, w.sink.block())
	w.col.start(t)

	ctx, cancel := context.WithTimeout(t.Context(), arrivalLimit)
	defer cancel()
	var arrived atomic.Int64
	fed := make(chan error, 1)
	go func() { fed <- w.feedAll(ctx, &arrived) }()
	for i, f := range p.faults {
		for int(arrived.Load()) < (i+1)*p.events/(len(p.faults)+1) && ctx.Err() == nil && len(fed) == 0 {
			time.Sleep(2 * time.Millisecond)
			w.supervise(t)
		}
		w.inflict(t, f)
		w.supervise(t)
	}
	for len(fed) == 0 {
		time.Sleep(10 * time.Millisecond)
		w.supervise(t)
	}
	require.NoError(t, <-fed, "%v", p)
	return w.judge(t)
}

func (p *plan) folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if !p.has(fullDisk) {
		return dir
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", diskSize)); err != nil {
		testengine.Missing(t, "the right to mount a small file system", "run this test as root")
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir
}

func (p *plan) receiverBlocks(f feed) (text, names string) {
	if p.source == "otlp" {
		return fmt.Sprintf("  otlp:\n    protocols: {http: {endpoint: %q}}\n", f.(*pushFeed).address), "otlp"
	}
	var list []string
	for i := range p.receivers {
		name := fmt.Sprintf("sessionlog/%d", i)
		list = append(list, name)
		text += fmt.Sprintf("  %s:\n    %s\n    instance: faults\n    storage: file_storage\n    dead_letter: {directory: '$DIR/dead_letter'}\n", name, f.block())
	}
	return text, strings.Join(list, ", ")
}

// feedAll lets the events arrive, some at once and some with pauses.
func (w *work) feedAll(ctx context.Context, arrived *atomic.Int64) error {
	dice := newDice(w.plan)
	for i := range w.events {
		if err := w.feed.add(ctx, i); err != nil {
			return err
		}
		arrived.Add(1)
		if dice.intN(4) == 0 {
			time.Sleep(time.Duration(dice.intN(20)) * time.Millisecond)
		}
	}
	return nil
}

// supervise starts a collector again that has ended by itself; it must have ended with an error.
func (w *work) supervise(t *testing.T) {
	t.Helper()
	select {
	case err := <-w.col.ended:
		require.Error(t, err, "%v: the collector has ended by itself, with status 0", w.plan)
		w.restarts++
		w.col.start(t)
	default:
	}
}

// inflict does one fault and, where it lasts, ends it again.
func (w *work) inflict(t *testing.T, f fault) {
	t.Helper()
	pause := time.Duration(100+w.dice.IntN(900)) * time.Millisecond
	switch f {
	case killFault:
		w.col.kill()
		w.col.start(t)
	case stopFault:
		w.col.stop(t, false)
		w.col.start(t)
	case reloadFault:
		w.col.signal(t, syscall.SIGHUP)
		time.Sleep(pause)
	case freezeFault:
		w.col.signal(t, syscall.SIGSTOP)
		time.Sleep(pause)
		w.col.signal(t, syscall.SIGCONT)
	case clockFault:
		w.col.moveClock(t, time.Duration(w.dice.IntN(7200)-3600)*time.Second)
	case cutSource:
		w.sourceWire.cut()
	case refuseSource:
		w.sourceWire.refuse(true)
		time.Sleep(pause)
		w.sourceWire.refuse(false)
	case cutSink:
		w.sinkWire.cut()
	case refuseSink:
		w.sinkWire.refuse(true)
		time.Sleep(pause)
		w.sinkWire.refuse(false)
	case slowSink:
		w.sinkWire.slow(20 * time.Millisecond)
		time.Sleep(pause)
		w.sinkWire.slow(0)
	case lockSink:
		w.sink.(*sqliteSink).lock(pause)
	case fullDisk:
		ballast := filepath.Join(w.dir, "ballast")
		_ = os.WriteFile(ballast, make([]byte, diskSize), 0o600) // until there is no room
		time.Sleep(pause)
		require.NoError(t, os.Remove(ballast))
	case rotateFile:
		w.feed.(*fileFeed).rotate(t)
	}
}

// outcome compares table and ledger.
type outcome struct {
	arrived, restarts, lost, doubled, altered int
	examples                                  []string
}

func (o *outcome) add(more outcome) {
	o.arrived += more.arrived
	o.restarts += more.restarts
	o.lost += more.lost
	o.doubled += more.doubled
	o.altered += more.altered
}

// judge waits until every row is there, starts the collector once more, which must add nothing, and compares.
func (w *work) judge(t *testing.T) outcome {
	t.Helper()
	var want []row
	for deadline := time.Now().Add(arrivalLimit); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		want = w.feed.ledger(t)
		if w.compare(want, w.sink.rows(t)).lost == 0 {
			break
		}
		w.supervise(t)
	}
	w.col.awaitReady(t)
	w.col.stop(t, true)
	require.NoError(t, os.Truncate(w.col.log, 0))
	w.col.start(t)
	w.col.awaitReady(t)
	time.Sleep(300 * time.Millisecond)
	w.col.stop(t, true)
	o := w.compare(w.feed.ledger(t), w.sink.rows(t))
	o.restarts = w.restarts
	require.Equal(t, "0", w.sink.conflicts(t), "%v: second versions of known records", w.plan)
	w.verify(t)
	return o
}

// verify holds all that is stored against its seals.
func (w *work) verify(t *testing.T) {
	t.Helper()
	keys, err := seal.ParseKeys(w.col.public)
	require.NoError(t, err)
	store, err := w.sink.ask(t.Context())
	require.NoError(t, err)
	defer func() { _ = store.Close() }()
	summary, err := verify.Run(t.Context(), store, verify.Options{Keys: keys, At: time.Now()}, func(f verify.Finding) {
		if f.Kind != verify.KindNoCopies {
			t.Errorf("%v: %+v", w.plan, f)
		}
	})
	require.NoError(t, err)
	t.Logf("%d records are as they were sealed, in %d logs", summary.Records, summary.Logs)
}

func (w *work) compare(want, got []row) outcome {
	want, got = w.ofThisRun(want), w.ofThisRun(got)
	o := outcome{arrived: len(want)}
	left := map[row]int{}
	for _, r := range want {
		left[r]++
	}
	known := len(left)
	for _, r := range got {
		if w.source == "postgresql" { // the server alone knows the rest
			parts := strings.SplitN(string(r), "|", 4)
			r = row(strings.Join(parts[:3], "|"))
		}
		left[r]--
	}
	for r, n := range left {
		switch {
		case n > 0:
			o.lost += n
			o.examples = append(o.examples, fmt.Sprintf("%d missing: %s", n, r))
		case n < 0:
			o.doubled -= n
			o.examples = append(o.examples, fmt.Sprintf("%d too many: %s", -n, r))
		}
	}
	if len(left) > known { // rows that nobody's ledger has
		o.altered = len(left) - known
		o.doubled -= o.altered
	}
	o.examples = o.examples[:min(len(o.examples), 10)]
	return o
}

// ofThisRun leaves out what one user did in runs before.
func (w *work) ofThisRun(rows []row) (own []row) {
	if w.source != "clickhouse" {
		return rows
	}
	for _, r := range rows {
		if micros, err := strconv.ParseInt(strings.Split(string(r), "|")[4], 10, 64); err == nil && micros >= w.begin.UnixMicro() {
			own = append(own, r)
		}
	}
	return own
}

// lockedDice is for feeds with several goroutines.
type lockedDice struct {
	mu   sync.Mutex
	dice *rand.Rand
}

func newDice(p *plan) *lockedDice {
	return &lockedDice{dice: rand.New(rand.NewPCG(p.seed, uint64(p.number)+1_000_000))} //nolint:gosec // repeatable, not secret
}

func (d *lockedDice) intN(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dice.IntN(n)
}
