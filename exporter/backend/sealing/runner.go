package sealing

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
)

// leastInterval is between two looks at what is due, where nothing wakes the loop.
const leastInterval = 10 * time.Millisecond

// run seals what is due until the backend stops.
func (b *Backend) run(ctx context.Context) {
	defer close(b.stopped)
	every := time.NewTicker(max(b.cfg.Interval, leastInterval))
	defer every.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-every.C:
		case <-b.wake:
		}
		b.sealAndReport(ctx, false)
		if now := time.Now(); now.Sub(b.headShown) >= b.cfg.Heads.Every {
			b.showHead(ctx, now)
		}
		b.pruneDue(ctx, time.Now())
	}
}

// sealAndReport is no reason to stop: what cannot be sealed now waits.
func (b *Backend) sealAndReport(ctx context.Context, all bool) {
	if err := b.sealDue(ctx, all); err != nil {
		b.conditions.RaiseReason(sealsFail, err, "seals cannot be stored: records are, and wait for theirs", zap.String("key", "seal"))
		return
	}
	b.conditions.Clear(sealsFail, "seals can be stored again", zap.String("key", "seal"))
}

// sealAll seals all that is stored.
func (b *Backend) sealAll(ctx context.Context) error { return b.sealDue(ctx, true) }

// sealDue stores the seals of all epochs that are due. One whose writes take long holds up no other.
func (b *Backend) sealDue(ctx context.Context, all bool) error {
	b.closeDueEpoch(all)
	for {
		ep := b.nextToSeal()
		if ep == nil {
			return nil
		}
		err := b.sealEpoch(ctx, ep)
		b.mu.Lock()
		if b.failed = err; err == nil {
			b.closed = slices.DeleteFunc(b.closed, func(other *openEpoch) bool { return other == ep })
			b.unsealed -= min(b.unsealed, ep.pending.Records())
		}
		pending := b.unsealed
		b.mu.Unlock()
		if err != nil {
			return err
		}
		close(ep.done)
		b.telemetry.CountSealed(ctx, ep.pending.Records(), pending)
	}
}

// nextToSeal is the epoch whose seal may be stored already, or else the first whose writes have ended.
func (b *Backend) nextToSeal() *openEpoch {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.IndexFunc(b.closed, func(ep *openEpoch) bool { return ep.sealed != nil })
	if at < 0 {
		at = slices.IndexFunc(b.closed, func(ep *openEpoch) bool { return ep.writes == 0 })
	}
	if at < 0 {
		return nil
	}
	return b.closed[at]
}

// closeDueEpoch has new writes begin another epoch, where this one is full or has waited for the interval.
func (b *Backend) closeDueEpoch(all bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	due := all || b.current.pending.Records() >= fullEpoch || time.Since(b.begun) >= b.cfg.Interval
	if b.current.isIdle() || !due {
		return
	}
	b.closed = append(b.closed, b.current)
	b.beginEpoch()
}

func (b *Backend) beginEpoch() {
	ep, err := newEpoch(b.cfg.Directory, b.number)
	if err != nil {
		b.reportJournal(err)
	}
	b.current, b.number, b.begun = ep, b.number+1, time.Now()
}

// sealEpoch stores the seal of an epoch, the same one again where the outcome was not known.
func (b *Backend) sealEpoch(ctx context.Context, ep *openEpoch) error {
	if ep.pending.IsEmpty() {
		b.removeJournals(ep)
		return nil
	}
	if ep.sealed == nil {
		s, next, err := ep.pending.Seal(b.state.Tip, b.key, b.state.Log)
		if err != nil {
			return err
		}
		ep.sealed, ep.next = &s, next
	}
	err := b.appendSeal(ctx, ep.sealed)
	if errors.Is(err, backend.ErrLogTaken) {
		return b.leaveTakenLog(ctx, ep, err)
	}
	if errors.Is(err, backend.ErrLogLost) {
		return b.leaveLostLog(ctx, ep, err)
	}
	if err != nil {
		return err
	}
	b.state.Head, b.state.Tip, b.state.Key = ep.sealed.Head, ep.next, b.key.Public()
	for _, w := range b.witnesses {
		w.noteGrowth(ep.sealed)
	}
	if ep.rotates {
		b.rotateKey()
	}
	if err := b.state.write(b.cfg.Directory); err != nil {
		b.reportJournal(err)
	}
	b.removeJournals(ep)
	return nil
}

// longestAppend is how long a seal waits for a server that does not answer, before it is tried again.
const longestAppend = 30 * time.Second

func (b *Backend) appendSeal(ctx context.Context, s *seal.Seal) error {
	ctx, cancel := context.WithTimeout(ctx, longestAppend)
	defer cancel()
	return b.inner.AppendSeal(ctx, s)
}

// removeJournals lets go of what was sealed. What is not known yet is written down elsewhere before.
func (b *Backend) removeJournals(ep *openEpoch) {
	b.mu.Lock()
	err := b.unconfirmed.writeFile(b.cfg.Directory)
	b.mu.Unlock()
	if err != nil {
		b.reportJournal(err)
		if ep.journal != nil {
			_ = ep.journal.Close()
		}
		return
	}
	for _, path := range b.journalsLeft {
		if err := os.Remove(path); err != nil {
			b.reportJournal(err)
		}
	}
	b.journalsLeft = nil
	if err := ep.removeJournal(); err != nil {
		b.reportJournal(err)
	}
}

// leaveTakenLog goes on in a log of its own: somebody else writes to this one, or an older copy of the collector's folder came back.
func (b *Backend) leaveTakenLog(ctx context.Context, ep *openEpoch, cause error) error {
	lost := b.state
	if err := b.beginLog(lost.Number + 1); err != nil {
		return err
	}
	b.sealElsewhere(ep)
	if lost.Head != "" {
		ep.pending.AddStatement(alarmText(lost.Head, lost.Tip.Size))
	}
	b.reportAlarm(ctx, "somebody else writes to the log of this collector, which goes on in one of its own: give each collector a seal::writer and a seal::directory of its own", cause)
	return errors.New("the log was taken by another writer")
}

// sealElsewhere has another log begin with what was to be sealed in the one before.
func (b *Backend) sealElsewhere(ep *openEpoch) {
	ep.sealed = nil
	b.pruned, b.namedAt = time.Time{}, time.Time{} // the retention is to be stated in this one, too
}

// leaveLostLog goes on in another log where the table has lost the end of this one under a collector that runs.
func (b *Backend) leaveLostLog(ctx context.Context, ep *openEpoch, cause error) error {
	store, err := b.openStore(ctx)
	if err != nil {
		return errors.Join(cause, err)
	}
	defer func() { _ = store.Close() }()
	last, err := b.readLastSeal(ctx, store, b.state)
	if err != nil || last != nil && last.First+last.Pages == b.state.Tip.Size { // another replica has not all yet
		return errors.Join(cause, err)
	}
	text, err := b.abandonLostLog(ctx, store, b.state, last)
	if err != nil {
		return err
	}
	b.sealElsewhere(ep)
	ep.pending.AddStatement(text)
	return cause
}

func (b *Backend) beginLog(number int) error {
	name, err := b.cfg.logName(b.key.Name(), number)
	if err != nil {
		return err
	}
	b.state = logState{Number: number, Log: name, Retired: b.state.Retired, Signed: b.state.Signed, Former: b.state.Former}
	return nil
}

func (b *Backend) reportAlarm(ctx context.Context, message string, err error) {
	b.telemetry.CountAlarm(ctx)
	b.log.Error(message, zap.String("key", "seal"), zap.String("log", b.state.Log), zap.Error(err))
}

// showHead gives the last head away. Where nothing was sealed since, a statement has the log go on, so that heads stay fresh.
func (b *Backend) showHead(ctx context.Context, now time.Time) {
	if b.shownSize == b.state.Tip.Size {
		b.mu.Lock()
		b.current.pending.AddStatement("alive")
		b.mu.Unlock()
		if err := b.sealAll(ctx); err != nil {
			return
		}
	}
	b.headShown, b.shownSize = now, b.state.Tip.Size
	head := publishedHead{key: b.key, log: b.state.Log, text: b.state.Head, tip: b.state.Tip}
	if len(b.witnesses) == 0 || !b.isWitnessing.CompareAndSwap(false, true) { // they are asked for the next one then
		b.giveHead(head.text)
		return
	}
	for _, w := range b.witnesses {
		head.proofs = append(head.proofs, w.beginHead(head))
	}
	ctx, cancel := context.WithCancel(ctx)
	b.cancelWitnesses = cancel
	b.witnessing.Go(func() {
		defer cancel()
		defer b.isWitnessing.Store(false)
		b.giveHead(b.cosignHead(ctx, head))
	})
}

func (b *Backend) giveHead(head string) {
	if b.cfg.Heads.File {
		if err := appendHead(b.cfg.Directory, head); err != nil {
			b.reportJournal(err)
		}
	}
	if b.cfg.Heads.Telemetry {
		b.log.Info("head of the log of seals: keep it where the database's administrator cannot write", zap.String("head", head))
	}
}

// alarmText is a statement of a head that the table has not, and of the page at which the log ends there.
func alarmText(head string, end uint64) string { return fmt.Sprintf("alarm at %d lost %q", end, head) }
