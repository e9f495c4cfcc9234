package cluster

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

// Status puts together what is reported of the nodes of a cluster: one status that names those in trouble, and one time up to which
// all have been read. Nodes are known by a name, such as their endpoint.
type Status struct {
	host       source.Host
	conditions *conditionlog.Logger

	mu         sync.Mutex
	membersErr error // of asking for the nodes
	nodes      map[string]*nodeStatus
}

type nodeStatus struct {
	reported  bool // err is known
	duplicate bool // another name of a node that is read already
	err       error
	read      bool
	upTo      time.Time
	lag       time.Duration
	backlog   nodeBacklog
}

type nodeBacklog struct {
	rows int
	rate float64
	toGo time.Duration
}

// NewStatus makes the status of a cluster without nodes.
func NewStatus(host source.Host) *Status {
	return &Status{host: host, conditions: conditionlog.New(host.Log, host.Now), nodes: map[string]*nodeStatus{}}
}

// Expect adds nodes: all is well when each of them has reported so.
func (s *Status) Expect(names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		s.nodeNamed(name)
	}
}

func (s *Status) nodeNamed(name string) *nodeStatus {
	n := s.nodes[name]
	if n == nil {
		n = &nodeStatus{}
		s.nodes[name] = n
	}
	return n
}

// SetMembers is how asking for the nodes went.
func (s *Status) SetMembers(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed := err != nil || s.membersErr != nil
	s.membersErr = err
	if changed {
		s.reportStatus()
	}
	if err == nil {
		s.conditions.Clear("asking", "the cluster can be asked for its servers again")
		return
	}
	s.host.Stats.PollFailed()
	s.conditions.RaiseReason("asking", err, "the cluster cannot be asked for its servers, or not all of them answer; it is tried again until they do")
}

// SetUnread is called when a node cannot be read at all, which package poll does not know of.
func (s *Status) SetUnread(name string, err error) {
	s.Set(name, err)
	s.host.Stats.PollFailed()
	s.conditions.RaiseReason("node "+name, err, "a node of the cluster is not read; it is tried again until it is", zap.String("node", name))
}

// SetRead is called when a node is being read.
func (s *Status) SetRead(name string) {
	s.conditions.Clear("node "+name, "the node is read again", zap.String("node", name))
}

// Set is a node's status; nil is well.
func (s *Status) Set(name string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.nodeNamed(name)
	n.reported, n.duplicate, n.err = true, false, err
	s.reportStatus()
}

// SetDuplicate says that this is another name of a node that is read already.
func (s *Status) SetDuplicate(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*s.nodeNamed(name) = nodeStatus{reported: true, duplicate: true}
	s.reportStatus()
}

// Forget drops a node that is not read any more.
func (s *Status) Forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.nodes, name)
	s.reportStatus()
}

// reportStatus is called with the lock held.
func (s *Status) reportStatus() {
	errs, reported := []error(nil), len(s.nodes) > 0
	for _, name := range slices.Sorted(maps.Keys(s.nodes)) {
		n := s.nodes[name]
		if n.err != nil {
			errs = append(errs, fmt.Errorf("node %s: %w", name, n.err))
		}
		reported = reported && n.reported
	}
	if err := errors.Join(append(errs, s.membersErr)...); err != nil || reported {
		s.host.Status(err)
	}
}

// Stats is what a node counts into.
func (s *Status) Stats(name string) source.Stats { return nodeStats{s.host.Stats, s, name} }

type nodeStats struct {
	source.Stats
	status *Status
	name   string
}

// Read reports how far the node that is furthest behind has been read, once each of them has been.
func (n nodeStats) Read(upTo time.Time, lag time.Duration) {
	s := n.status
	s.mu.Lock()
	defer s.mu.Unlock()
	this := s.nodeNamed(n.name)
	this.read, this.upTo, this.lag = true, upTo, lag
	for _, other := range s.nodes {
		if other.duplicate {
			continue
		}
		if !other.read {
			return
		}
		if other.upTo.Before(upTo) {
			upTo = other.upTo
		}
		lag = max(lag, other.lag)
	}
	n.Stats.Read(upTo, lag)
}

// Backlog reports the rows of all nodes together, and the time of the one that takes longest.
func (n nodeStats) Backlog(rows int, rate float64, toGo time.Duration) {
	s := n.status
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodeNamed(n.name).backlog = nodeBacklog{rows, rate, toGo}
	var all nodeBacklog
	for _, node := range s.nodes {
		all = nodeBacklog{all.rows + node.backlog.rows, all.rate + node.backlog.rate, max(all.toGo, node.backlog.toGo)}
	}
	n.Stats.Backlog(all.rows, all.rate, all.toGo)
}
