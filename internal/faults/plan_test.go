package faults

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// fault is one kind of trouble.
type fault string

const (
	killFault    fault = "kill"      // SIGKILL and a new start
	stopFault    fault = "stop"      // SIGTERM and a new start
	reloadFault  fault = "reload"    // SIGHUP
	freezeFault  fault = "freeze"    // SIGSTOP for a while
	clockFault   fault = "clock"     // the receivers' clock steps, forth or back
	cutSource    fault = "cutSource" // connections to the source end in mid-talk
	refuseSource fault = "refuseSource"
	cutSink      fault = "cutSink"
	refuseSink   fault = "refuseSink"
	slowSink     fault = "slowSink"
	lockSink     fault = "lockSink" // another process holds SQLite's write lock
	fullDisk     fault = "fullDisk" // no room for database, cursors and dead letters
	rotateFile   fault = "rotate"   // the file is renamed and begun anew
)

// mostFaults is how many a run draws at most.
const mostFaults = 5

var (
	sourceNames = []string{"file", "http", "otlp", "redshift", "clickhouse", "postgresql", "cloudwatch", "s3"}
	sinkNames   = []string{"sqlite", "postgresql", "clickhouse"}
)

// plan is all that a run does. It follows from seed and number alone.
type plan struct {
	seed      uint64
	number    int
	source    string
	sink      string
	receivers int // of one source, at once
	events    int
	faults    []fault
	dice      *rand.Rand
}

// newPlan walks over all pairs of source and sink, first over all sources, in an order of the seed's, and draws the rest.
func newPlan(seed uint64, number, events int) *plan {
	order := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // repeatable, not secret
	sources, sinks := order.Perm(len(sourceNames)), order.Perm(len(sinkNames))
	p := &plan{
		seed: seed, number: number, source: sourceNames[sources[number%len(sources)]], sink: sinkNames[sinks[(number%len(sources)+number/len(sources))%len(sinks)]], receivers: 1,
		dice: rand.New(rand.NewPCG(seed, uint64(number)+1)), //nolint:gosec // repeatable, not secret
	}
	p.events = events/2 + p.dice.IntN(events)
	if p.pulled() && p.dice.IntN(3) == 0 {
		p.receivers = 2
	}
	kinds := p.possible()
	for range 1 + p.dice.IntN(mostFaults) {
		p.faults = append(p.faults, kinds[p.dice.IntN(len(kinds))])
	}
	return p
}

func (p *plan) pulled() bool { return p.source != "http" && p.source != "otlp" }

// possible are the faults that this pair can meet; kills are drawn most often.
func (p *plan) possible() []fault {
	kinds := []fault{killFault, killFault, stopFault, reloadFault, freezeFault}
	switch p.source {
	case "file":
		kinds = append(kinds, clockFault, rotateFile)
	case "http":
		kinds = append(kinds, clockFault)
	case "redshift", "clickhouse", "postgresql", "cloudwatch", "s3":
		kinds = append(kinds, clockFault, cutSource, refuseSource)
	}
	if p.sink == "sqlite" {
		return append(kinds, lockSink, fullDisk)
	}
	return append(kinds, cutSink, refuseSink, slowSink)
}

func (p *plan) String() string {
	return fmt.Sprintf("seed %d run %d: %s to %s, %d receivers, %d events, %s", p.seed, p.number, p.source, p.sink, p.receivers, p.events, p.faultText())
}

func (p *plan) faultText() string {
	var names []string
	for _, f := range p.faults {
		names = append(names, string(f))
	}
	return strings.Join(names, " ")
}

func (p *plan) has(f fault) bool { return slices.Contains(p.faults, f) }

// prefix begins the name of every user of the run.
func (p *plan) prefix() string { return fmt.Sprintf("f%d-%d-", p.seed, p.number) }
