package poll

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	// ahead is how far behind now each poll looks: clocks of several nodes differ. Rows from further in the future are
	// found by the look at everything.
	ahead = 5 * Minute
	// Everything is looked at every so many reconcile intervals, and for no more than one part in so many of the time.
	everythingEvery = 12
	everythingShare = 20

	backoffLeast = 250 * time.Millisecond
	backoffMost  = 30 * time.Second
	// storeLimit bounds the last writes after the context has ended: what was delivered is to be remembered.
	storeLimit = 400 * time.Millisecond
)

// Run polls until ctx ends. What is remembered is kept apart by identity: system, table, instance.
func Run(ctx context.Context, cfg Config, table Table, host source.Host, identity ...string) error {
	p := &poller{cfg: cfg, table: table, host: host, prefix: keyPrefix(identity), known: map[int64]Tally{}}
	if t, ok := table.(Settling); ok {
		p.settle = t.Settle().Microseconds()
	}
	p.said.conditions = conditionlog.New(host.Log, host.Now)
	p.pages = newPager(cfg.BatchSize, p.deliver, p.commit)
	var committer sync.WaitGroup
	committer.Go(func() { p.pages.run(ctx) })
	defer committer.Wait()
	defer p.pages.close()

	failures := 0
	for ctx.Err() == nil {
		err := p.pass(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			host.Stats.PollFailed()
			p.reportError(err)
			p.pages.abandon(ctx)
			var waiting *WaitError
			if errors.As(err, &waiting) {
				Wait(ctx, cfg.CollectionInterval)
				continue
			}
			Wait(ctx, Backoff(failures))
			failures++
		default:
			p.reportError(p.shifting())
			failures = 0
			Wait(ctx, cfg.CollectionInterval)
		}
	}
	p.pages.abandon(ctx)
	return nil
}

// poller is one source at work. Its goroutine reads and compares; the pager's commits.
type poller struct {
	cfg    Config
	table  Table
	host   source.Host
	prefix string
	pages  *pager
	st     *state // nil until loaded, and after a failed write

	settle   int64     // age at which rows are read, microseconds
	now      int64     // of the server, when the pass began, less settle
	retold   uint64    // rows still to come that were told before, but nobody knows which
	reopened bool      // a folded day is being told again: retold is the whole day's
	lostAt   time.Time // when rows were said to be gone
	gapAt    int64     // the cursor of which it was said that rows after it are lost
	rows     int       // read since the start
	success  bool      // a poll has succeeded since the start

	reconciled, looked time.Time     // when those passes ended last
	lookedFor          time.Duration // by the server, to sum up everything

	sums  []Sum
	known map[int64]Tally

	said struct {
		sync.Mutex
		conditions *conditionlog.Logger
		text       string // of the trouble there is
		well       bool   // has been said
		bad        bool   // the store failed: what is in memory is ahead of it
	}
}

// pass does what is due: a look at everything, at the reconcile window, or at the overlap.
func (p *poller) pass(ctx context.Context) error {
	now, err := p.table.Now(ctx)
	if err != nil {
		return err
	}
	if now -= p.settle; p.settle > 0 && p.now-now < ahead {
		now = max(now, p.now) // a clock that is put back a little must not make settled rows young again
	}
	p.now = now
	if err := p.load(ctx); err != nil {
		return err
	}
	p.mindGap()
	due := p.due(p.host.Now())
	switch from := min(p.st.cursor, now) - p.cfg.Overlap.Microseconds(); due {
	case fullScan:
		err = p.fullScanPass(ctx)
	case reconcile:
		err = p.sweep(ctx, Range{floor(min(from, now-p.cfg.ReconcileWindow.Microseconds()), Minute), p.horizon()})
	default:
		err = p.sweep(ctx, Range{floor(from, Minute), p.horizon()})
	}
	if err == nil {
		err = p.pages.drain(ctx)
	}
	if t, ok := p.table.(Following); ok && err == nil {
		err = t.Follow(ctx, p.wanted().and(Range{Always.From, now}), p.deliver)
	}
	if err != nil {
		p.reconciled = time.Time{} // after trouble look at the window first
		return err
	}
	p.passed(due)
	return p.finish(ctx, now)
}

// horizon is up to where polls look.
func (p *poller) horizon() int64 {
	if p.settle > 0 {
		return p.now
	}
	return floor(p.now+ahead, Minute)
}

type scanKind uint8

const (
	scanOverlap scanKind = iota
	reconcile
	fullScan
)

// due is what the next pass looks at. At the first start that is everything; later the recent rows come first.
func (p *poller) due(now time.Time) scanKind {
	switch {
	case !p.st.polled:
		return fullScan
	case p.reconciled.IsZero() || now.Sub(p.reconciled) >= p.cfg.ReconcileInterval:
		return reconcile
	case p.looked.IsZero() || now.Sub(p.looked) >= max(everythingEvery*p.cfg.ReconcileInterval, everythingShare*p.lookedFor):
		return fullScan
	}
	return scanOverlap
}

func (p *poller) passed(due scanKind) {
	now := p.host.Now()
	if due >= reconcile {
		p.reconciled = now
	}
	if due == fullScan {
		p.looked = now
	}
}

// load reads the store at first and after a write that failed.
func (p *poller) load(ctx context.Context) error {
	if p.st != nil && !p.isBroken() {
		return nil
	}
	st, found, err := load(ctx, p.host.Store, p.prefix)
	if err != nil {
		return err
	}
	if !found {
		if st.start, err = p.cfg.start(p.now + p.settle); err != nil {
			return err
		}
		st.cursor = p.now
		if err := st.saveCursor(ctx); err != nil {
			return err
		}
	}
	p.st = st
	p.setBroken(false)
	return nil
}

// finish moves the cursor after a pass that saw everything up to now, and drops ids that nobody will ask for.
func (p *poller) finish(ctx context.Context, now int64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeLimit)
	defer cancel()
	if err := p.st.forgetIDs(ctx, p.keepFrom()-Minute); err != nil {
		p.setBroken(true)
		return err
	}
	// The delivery log is what counts; the cursor only spares looking far back after a restart. Once a minute is enough.
	if !p.st.polled || now-p.st.cursor >= Minute {
		p.tellGap()
		p.st.polled = true
		p.st.cursor = now
		if err := p.st.saveCursor(ctx); err != nil {
			p.setBroken(true)
			return err
		}
	}
	p.host.Stats.Read(time.UnixMicro(now), time.Duration(p.settle)*time.Microsecond)
	if !p.success {
		p.success = true
		p.host.Log.Info(fmt.Sprintf("connected, %d rows read", p.rows))
	}
	return nil
}

// keepFrom is the first minute of which ids are kept.
func (p *poller) keepFrom() int64 {
	return floor(p.now-p.cfg.Overlap.Microseconds(), Minute)
}

// deliver emits until it succeeds: the page stays where it is, so that nothing has to be read again.
func (p *poller) deliver(ctx context.Context, events []session.Event) error {
	if len(events) == 0 {
		return ctx.Err()
	}
	for failures := 0; ; failures++ {
		err := p.host.Emit(ctx, events)
		if err == nil {
			if failures > 0 {
				p.reportError(nil)
			}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p.reportError(err)
		Wait(ctx, Backoff(failures))
	}
}

// reportError tells how the source is doing: a new error is logged, and again every ten minutes while it lasts.
func (p *poller) reportError(err error) {
	p.said.Lock()
	defer p.said.Unlock()
	if err == nil {
		if !p.said.well {
			p.host.Status(nil)
		}
		p.said.conditions.Clear("reading", "reading goes on: what was wrong is over", zap.String("was", p.said.text))
		p.said.text, p.said.well = "", true
		return
	}
	p.host.Status(err)
	p.said.well, p.said.text = false, err.Error()
	var waiting *WaitError
	message := "the source cannot be read; it is tried again until it can"
	switch {
	case errors.As(err, &waiting):
		message = "the source has nothing to read yet; it is asked again at every collection_interval"
	case p.shifting() != nil && errors.Is(err, p.shifting()):
		message = "the source is read, but not reliably"
	}
	p.said.conditions.RaiseReason("reading", err, message)
}

func (p *poller) setBroken(b bool) {
	p.said.Lock()
	p.said.bad = b
	p.said.Unlock()
}

func (p *poller) isBroken() bool {
	p.said.Lock()
	defer p.said.Unlock()
	return p.said.bad
}

// Backoff is the pause after so many failures in a row: it doubles from a quarter of a second to half a minute, less a random part, so that many collectors do not come
// back at once.
func Backoff(failures int) time.Duration {
	d := backoffMost
	if failures < 7 {
		d = min(backoffLeast<<failures, backoffMost)
	}
	return d/2 + rand.N(d/2) //nolint:gosec // jitter
}

// Wait returns after d, or when ctx ends.
func Wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
