package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// campaign runs targets until each has its time.
type campaign struct {
	options
	module  *module
	targets []target
	results []result
	out     io.Writer
}

func (c *campaign) run(ctx context.Context) error {
	c.tell(ctx)
	out := map[string]bool{} // those that would only fail again
	for ctx.Err() == nil {
		t, owed := c.next(out)
		if owed == 0 {
			break
		}
		length := min(c.slice, max(owed, time.Second))
		fmt.Fprintf(c.out, "%s %s for %s\n", time.Now().UTC().Format(time.TimeOnly), t, length)
		r, err := c.fuzz(ctx, t, length)
		if err != nil {
			if ctx.Err() != nil {
				break
			}
			return err
		}
		if r.outcome != interrupted || r.execs > 0 {
			if err := appendResult(c.options.results, &r); err != nil {
				return err
			}
			c.results = append(c.results, r)
		}
		fmt.Fprintf(c.out, "  %s: %.0f s, %d runs, %d new inputs\n", r.outcome, r.seconds, r.execs, r.found)
		out[t.String()] = r.outcome == failed || r.outcome == broken
	}
	c.tell(context.WithoutCancel(ctx))
	for _, bad := range out {
		if bad {
			return errors.New("a target failed: mend what it found, keep its input under testdata/fuzz, and run this again")
		}
	}
	return nil
}

// next is the target that has had the least time, and what it is owed; of targets that are equal, the first.
func (c *campaign) next(out map[string]bool) (next target, owed time.Duration) {
	goal := c.goal()
	least := goal
	for _, t := range c.targets {
		if had := spent(c.results, t); had < least && !out[t.String()] {
			next, least = t, had
		}
	}
	return next, goal - least
}

func (c *campaign) goal() time.Duration { return time.Duration(c.minutes * float64(time.Minute)) }

// spent is how long a target ran in all.
func spent(results []result, t target) (sum time.Duration) {
	for i := range results {
		if r := &results[i]; r.target.String() == t.String() {
			sum += time.Duration(r.seconds * float64(time.Second))
		}
	}
	return sum
}

// tell says what there is and what is owed.
func (c *campaign) tell(ctx context.Context) {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "package\ttarget\tminutes\ton this code\towed\truns\tnew inputs\tlast")
	left := time.Duration(0)
	for _, s := range c.module.summary(ctx, c.targets, c.results) {
		owed := max(0, c.goal()-s.spent)
		left += owed
		fmt.Fprintf(w, "%s\t%s\t%.1f\t%.1f\t%.1f\t%d\t%d\t%s\n",
			s.target.pkg, s.target.name, s.spent.Minutes(), s.current.Minutes(), owed.Minutes(), s.execs, s.found, s.last)
	}
	_ = w.Flush()
	fmt.Fprintf(c.out, "%.1f minutes owed in all. Interrupt at any time: the same command goes on.\n", left.Minutes())
}
