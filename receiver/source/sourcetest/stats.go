package sourcetest

import (
	"sync"
	"time"
)

// Stats is a [source.Stats] that remembers. It is safe for concurrent use.
type Stats struct {
	mu     sync.Mutex
	counts Counts
}

// Counts is what a source has counted.
type Counts struct {
	BadRows   int
	Places    []string // of the bad rows
	Reasons   []string // of the bad rows
	Excluded  int
	Vanished  int
	Repeated  int
	Failed    int // polls
	Lost      time.Duration
	ReadUpTo  time.Time
	Lag       time.Duration
	ReadCalls int
	Backlog   int // rows still to be read
	Backlogs  int // calls that said that there are some
}

// Counts is a copy of the counts.
func (s *Stats) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	c.Places = append([]string(nil), c.Places...)
	c.Reasons = append([]string(nil), c.Reasons...)
	return c
}

// BadRows is part of [source.Stats].
func (s *Stats) BadRows(n int, place string, reason error) {
	s.update(func(c *Counts) {
		c.BadRows += n
		c.Places = append(c.Places, place)
		c.Reasons = append(c.Reasons, reason.Error())
	})
}

// Excluded is part of [source.Stats].
func (s *Stats) Excluded(n int) { s.update(func(c *Counts) { c.Excluded += n }) }

// Vanished is part of [source.Stats].
func (s *Stats) Vanished(n int) { s.update(func(c *Counts) { c.Vanished += n }) }

// PollFailed is part of [source.Stats].
func (s *Stats) PollFailed() { s.update(func(c *Counts) { c.Failed++ }) }

// Lost is part of [source.Stats].
func (s *Stats) Lost(from, to time.Time) { s.update(func(c *Counts) { c.Lost += to.Sub(from) }) }

// Repeated is part of [source.Stats].
func (s *Stats) Repeated(n int) { s.update(func(c *Counts) { c.Repeated += n }) }

// Read is part of [source.Stats].
func (s *Stats) Read(upTo time.Time, lag time.Duration) {
	s.update(func(c *Counts) { c.ReadUpTo, c.Lag, c.ReadCalls = upTo, lag, c.ReadCalls+1 })
}

// Backlog is part of [source.Stats].
func (s *Stats) Backlog(rows int, _ float64, _ time.Duration) {
	s.update(func(c *Counts) {
		if c.Backlog = rows; rows > 0 {
			c.Backlogs++
		}
	})
}

func (s *Stats) update(change func(*Counts)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.counts)
}
