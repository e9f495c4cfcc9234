package main

import (
	"context"
	"time"
)

// summary is what the results say of one target.
type summary struct {
	target         target
	spent, current time.Duration // in all; and on this very code, committed
	execs          int64
	found          int
	failures       int
	last           outcome // empty before the first slice
}

func (m *module) summary(ctx context.Context, targets []target, results []result) (list []summary) {
	for _, t := range targets {
		s := summary{target: t, spent: spent(results, t)}
		same := map[string]bool{}
		for i := range results {
			r := &results[i]
			if r.target.String() != t.String() {
				continue
			}
			s.execs += r.execs
			s.found += r.found
			s.last = r.outcome
			if r.outcome == failed {
				s.failures++
			}
			if r.dirty {
				continue
			}
			is, known := same[r.commit]
			if !known {
				is = m.same(ctx, t, r.commit)
				same[r.commit] = is
			}
			if is {
				s.current += time.Duration(r.seconds * float64(time.Second))
			}
		}
		list = append(list, s)
	}
	return list
}
