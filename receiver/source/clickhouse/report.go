package clickhouse

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// report puts together what the nodes of a cluster tell of themselves: one status that names those in trouble, and one
// time up to which all have been read.
type report struct {
	host       source.Host
	conditions *conditionlog.Logger

	mu    sync.Mutex
	asked error // of the connection that asks for the nodes
	nodes map[string]*standing
}

// standing is how a node is doing.
type standing struct {
	spoken  bool // it is well or in trouble
	twin    bool // another name of a node that is read already
	trouble error
	read    bool
	upTo    time.Time
	lag     time.Duration
}

func newReport(host source.Host) *report {
	return &report{host: host, conditions: conditionlog.New(host.Log, host.Now), nodes: map[string]*standing{}}
}

// await says which nodes there are: all is well when each of them has said so.
func (r *report) await(doors []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, door := range doors {
		r.of(door)
	}
}

func (r *report) of(door string) *standing {
	s := r.nodes[door]
	if s == nil {
		s = &standing{}
		r.nodes[door] = s
	}
	return s
}

// ask is how asking for the nodes went.
func (r *report) ask(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	news := err != nil || r.asked != nil
	r.asked = err
	if news {
		r.tell()
	}
	if err == nil {
		r.conditions.Clear("asking", "the cluster can be asked for its servers again")
		return
	}
	r.host.Stats.PollFailed()
	r.conditions.RaiseReason("asking", err, "the cluster cannot be asked for its servers, or not all of them answer; it is tried again until they do")
}

// notRead logs that a node cannot be read, which package poll has not met.
func (r *report) notRead(door string, err error) {
	r.say(door, err)
	r.host.Stats.PollFailed()
	r.conditions.RaiseReason("node "+door, err, "a node of the cluster is not read; it is tried again until it is", zap.String("node", door))
}

// isRead says that a node is being read.
func (r *report) isRead(door string) {
	r.conditions.Clear("node "+door, "the node is read again", zap.String("node", door))
}

// say is a node's status; nil is well.
func (r *report) say(door string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.of(door)
	s.spoken, s.trouble, s.twin = true, err, false
	r.tell()
}

// same says that this is another name of a node that is read already.
func (r *report) same(door string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*r.of(door) = standing{spoken: true, twin: true}
	r.tell()
}

// forget drops a node that is not read any more.
func (r *report) forget(door string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.nodes, door)
	r.tell()
}

// tell passes on what there is to say of all. The caller holds the lock.
func (r *report) tell() {
	var errs []error
	well := true
	for _, door := range slices.Sorted(maps.Keys(r.nodes)) {
		s := r.nodes[door]
		if s.trouble != nil {
			errs = append(errs, fmt.Errorf("node %s: %w", door, s.trouble))
		}
		well = well && s.spoken
	}
	if r.asked != nil {
		errs = append(errs, r.asked)
	}
	switch {
	case len(errs) > 0:
		r.host.Status(errors.Join(errs...))
	case well && len(r.nodes) > 0:
		r.host.Status(nil)
	}
}

// stats is what a node counts into.
func (r *report) stats(door string) source.Stats { return nodeStats{r.host.Stats, r, door} }

type nodeStats struct {
	source.Stats
	report *report
	door   string
}

// Read says how far the node that is furthest behind has been read. Nothing is said until each has been.
func (s nodeStats) Read(upTo time.Time, lag time.Duration) {
	r := s.report
	r.mu.Lock()
	defer r.mu.Unlock()
	mine := r.of(s.door)
	mine.read, mine.upTo, mine.lag = true, upTo, lag
	for _, n := range r.nodes {
		if n.twin {
			continue
		}
		if !n.read {
			return
		}
		if n.upTo.Before(upTo) {
			upTo = n.upTo
		}
		lag = max(lag, n.lag)
	}
	s.Stats.Read(upTo, lag)
}
