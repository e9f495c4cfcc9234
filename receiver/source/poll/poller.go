package poll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/delivery"
	"github.com/otel-sessionlog/sessionlog/session"
)

// clockTolerance is how far behind the server's clock each poll reads: clocks of several nodes differ. Rows from further in the
// future are found by the full scan.
const clockTolerance = 5 * MinuteMicros

// Run polls until ctx ends. What is remembered is kept apart by identity: system, table, instance.
func Run(ctx context.Context, cfg Config, table Table, host source.Host, identity ...string) error {
	p := newPoller(cfg, table, host, identity)
	p.batches.queue = delivery.New(ctx, host, p.status, cfg.BatchSize, p.newBatch)
	defer p.batches.queue.Close()
	pauses := source.NewBackOff()
	for ctx.Err() == nil {
		err := p.pollOnce(ctx)
		if failed := p.batches.abandonCurrent(); ctx.Err() != nil {
			break
		} else if failed != nil {
			return failed
		}
		pause := cfg.CollectionInterval
		if err == nil {
			err = p.serversVary()
			pauses.Reset()
		} else {
			host.Stats.PollFailed()
			if waiting := (*WaitError)(nil); !errors.As(err, &waiting) {
				pause = pauses.NextBackOff()
			}
		}
		p.reportPoll(err)
		source.Wait(ctx, pause)
	}
	return nil
}

// tablePoller reads one table and compares it with what was delivered.
type tablePoller struct {
	cfg      Config
	table    Table
	host     source.Host
	keys     storeKeys
	progress *readProgress // nil until loaded
	batches  batchFiller
	schedule pollSchedule
	status   *delivery.Status

	minAge       int64 // at which rows are read, microseconds
	now          int64 // of the server, when the poll began, less minAge
	firstPoll    int64 // now of the first poll, where nothing was stored
	rowsRead     int   // since the start
	backlog      delivery.Backlog
	hasSucceeded bool
	lostFrom     int64 // the cursor of which it was said that rows after it are lost

	conditions *conditionlog.Logger
	lastError  string
}

func newPoller(cfg Config, table Table, host source.Host, identity []string) *tablePoller {
	p := &tablePoller{
		cfg: cfg, table: table, host: host, keys: newStoreKeys(identity),
		batches: batchFiller{size: cfg.BatchSize}, schedule: pollSchedule{reconcileInterval: cfg.ReconcileInterval},
		status: delivery.NewStatus(host), conditions: conditionlog.New(host.Log, host.Now), backlog: delivery.NewBacklog(host),
	}
	if t, ok := table.(DelayedTable); ok {
		p.minAge = t.MinAge().Microseconds()
	}
	return p
}

func (p *tablePoller) newBatch() *eventBatch {
	return &eventBatch{progress: p.progress, stats: p.host.Stats}
}

func (p *tablePoller) pollOnce(ctx context.Context) error {
	if err := p.readClock(ctx); err != nil {
		return err
	}
	if err := p.loadOrBegin(ctx); err != nil {
		return err
	}
	p.warnOfLostHistory()
	kind := p.schedule.nextScan(p.host.Now(), p.progress.complete)
	if err := p.scanTable(ctx, kind); err != nil {
		return err
	}
	if err := p.batches.submitAndDrain(); err != nil {
		return err
	}
	if t, ok := p.table.(UpdatingTable); ok {
		if err := t.DeliverUpdates(ctx, p.wantedRange().intersectRange(TimeRange{AllTimes.From, p.now}), p.deliverUpdates); err != nil {
			return err
		}
	}
	p.schedule.noteSuccess(kind, p.host.Now())
	return p.finishPoll()
}

func (p *tablePoller) readClock(ctx context.Context) error {
	now, err := p.table.Now(ctx)
	if err != nil {
		return err
	}
	if now -= p.minAge; p.minAge > 0 && p.now-now < clockTolerance {
		now = max(now, p.now) // a clock that is put back a little must not make old rows young again
	}
	p.now = now
	return nil
}

func (p *tablePoller) loadOrBegin(ctx context.Context) error {
	if p.progress != nil {
		return nil
	}
	loaded, found, err := loadProgress(ctx, p.host.Store, p.keys)
	if err != nil {
		return err
	}
	if !found {
		if p.firstPoll == 0 { // what comes while the store fails is wanted
			p.firstPoll = p.now
		}
		if loaded.start, err = p.cfg.startTime(p.firstPoll + p.minAge); err != nil {
			return err
		}
		loaded.cursor = p.firstPoll
		err := p.host.Store.Set(ctx, p.keys.cursorKey(), loaded.encodeCursor())
		if err != nil && p.cfg.Initial == source.InitialEnd {
			err = source.ExplainUnsavedStart(err)
		}
		if err != nil {
			return err
		}
	}
	p.progress = loaded
	return nil
}

func (p *tablePoller) scanTable(ctx context.Context, kind scanKind) error {
	from := min(p.progress.cursor, p.now) - p.cfg.Overlap.Microseconds()
	switch kind {
	case fullScan:
		return p.scanAllDays(ctx)
	case windowScan:
		from = min(from, p.now-p.cfg.ReconcileWindow.Microseconds())
	}
	r := TimeRange{floorToWidth(from, MinuteMicros), p.scanHorizon()}
	if err := p.countBacklog(ctx, r); err != nil {
		return err
	}
	return p.compareMinutes(ctx, r)
}

func (p *tablePoller) scanHorizon() int64 {
	if p.minAge > 0 {
		return p.now
	}
	return floorToWidth(p.now+clockTolerance, MinuteMicros)
}

func (p *tablePoller) wantedRange() TimeRange { return TimeRange{p.progress.start, AllTimes.To} }

// keepIDsFrom is the first minute of which ids are kept.
func (p *tablePoller) keepIDsFrom() int64 {
	return floorToWidth(p.now-p.cfg.Overlap.Microseconds(), MinuteMicros)
}

func (p *tablePoller) finishPoll() error {
	err := p.batches.recordEntry(logEntry{kind: idsExpired, start: p.keepIDsFrom() - MinuteMicros})
	// Once a minute is enough: the delivery log is what counts, the cursor only spares looking far back after a restart.
	if err == nil && (!p.progress.complete || p.now-p.progress.cursor >= MinuteMicros) {
		p.countLostHistory()
		err = p.batches.recordEntry(logEntry{kind: pollFinished, start: p.now})
	}
	if err == nil {
		err = p.batches.submitAndDrain()
	}
	if err != nil {
		return err
	}
	p.backlog.End()
	p.host.Stats.Read(time.UnixMicro(p.now), time.Duration(p.minAge)*time.Microsecond)
	if !p.hasSucceeded {
		p.hasSucceeded = true
		p.host.Log.Info(fmt.Sprintf("connected, %d rows read", p.rowsRead))
	}
	return nil
}

func (p *tablePoller) deliverUpdates(ctx context.Context, events []session.Event) error {
	if len(events) == 0 {
		return ctx.Err()
	}
	return p.host.Emit(ctx, events)
}

func (p *tablePoller) reportPoll(err error) {
	p.status.Set("source", err)
	if err == nil {
		p.conditions.Clear("reading", "reading goes on: what was wrong is over", zap.String("was", p.lastError))
		return
	}
	p.lastError = err.Error()
	var waiting *WaitError
	message := "the source cannot be read; it is tried again until it can"
	switch varies := p.serversVary(); {
	case errors.As(err, &waiting):
		message = "the source has nothing to read yet; it is asked again at every collection_interval"
	case varies != nil && errors.Is(err, varies):
		message = "the source is read, but not reliably"
	}
	p.conditions.RaiseReason("reading", err, message)
}

// serversVary is why rows may be missing that are still there.
func (p *tablePoller) serversVary() error {
	if t, ok := p.table.(MultiServer); ok {
		return t.ServersVary()
	}
	return nil
}
