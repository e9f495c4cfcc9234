//go:build linux

package main

import (
	"time"
)

// stretchRows is over how many rows a rate is taken.
const stretchRows = 100_000

// curve is how many rows had arrived when, in order.
type curve []sample

type sample struct {
	at   time.Time
	rows float64
}

// reached is when a row arrived, interpolated between the samples around it.
func (c curve) reached(row float64) time.Time {
	for i, sample := range c {
		if sample.rows < row {
			continue
		}
		if i == 0 || sample.rows == row {
			return sample.at
		}
		before := c[i-1]
		share := (row - before.rows) / (sample.rows - before.rows)
		return before.at.Add(time.Duration(share * float64(sample.at.Sub(before.at))))
	}
	return c[len(c)-1].at
}

// rate is rows a second between two rows; 0 where the samples are too few to tell.
func (c curve) rate(from, to float64) float64 {
	if seconds := c.reached(to).Sub(c.reached(from)).Seconds(); seconds > 0 {
		return (to - from) / seconds
	}
	return 0
}

// stretches are the rates of one stretch of rows after the other. The first begins where the first sample with rows ends: what a collector needs
// to start is not in it.
func (c curve) stretches() []stretch {
	if len(c) == 0 {
		return nil
	}
	var all []stretch
	from, last := c[0].rows, c[len(c)-1].rows
	for to := float64(stretchRows); to <= last; to += stretchRows {
		if to > from {
			all = append(all, stretch{int(to), c.rate(from, to)})
			from = to
		}
	}
	return all
}

// stretch is the rate over the rows before one.
type stretch struct {
	upTo int
	rate float64
}
