// Package sealing seals what a backend stores: it stands between an exporter and its backend, makes an entry of each record as it was told, and has
// the backend keep signed seals of those that are new. What it makes can be verified with the public key alone; docs/evidence.md says how.
package sealing

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	// fullEpoch is after how many records a seal does not wait for its interval.
	fullEpoch = 4096
	// mostUnsealed bounds the memory where seals cannot be stored: then records are not either.
	mostUnsealed = 1 << 20
	// mostDoubtful is how many records may be remembered whose write had no known outcome.
	mostDoubtful = 1 << 17

	sealsFail   = "seals fail"
	journalFail = "journal fails"
	logAlarm    = "log alarm"
)

// Backend is a backend whose records are sealed.
type Backend struct {
	inner      backend.SealedBackend
	cfg        Config
	ttl        time.Duration
	openStore  func(context.Context) (query.Store, error)
	log        *zap.Logger
	conditions *conditionlog.Logger
	telemetry  Telemetry

	key          *seal.Key
	innerStarted bool
	running      bool
	wake         chan struct{}
	stop         chan struct{}
	stopped      chan struct{}
	headShown    time.Time // when heads were shown last
	shownSize    uint64    // of the last head that was shown
	pruned       time.Time // when pages that may go were looked for last

	state        state    // of the goroutine that seals
	journalsLeft []string // of an earlier run, until the first seal is stored

	mu       sync.Mutex
	current  *epoch
	closed   []*epoch // to be sealed, in their order
	number   uint64   // of the next epoch
	begun    time.Time
	unsealed uint64 // records
	failed   error  // why the last seal could not be stored
	doubtful map[session.ID]doubt
}

// doubt is a record whose write had no known outcome: if it is there, and as it was told, it is sealed.
type doubt struct {
	seed seal.Seed
	hash [16]byte
}

// Telemetry counts.
type Telemetry interface {
	// CountSealed is called after each seal, with its records and those that still wait.
	CountSealed(ctx context.Context, records, pending uint64)
	// CountAlarm is called where the log in the table is not what it should be.
	CountAlarm(ctx context.Context)
}

// sharedBackend is one for which large writes cost less.
type sharedBackend struct {
	*Backend
	backend.SharedWriter
}

// New makes a backend that seals what inner stores; cfg is valid. ttl is the one of the backend, and open opens it to be asked.
func New(inner backend.Backend, cfg Config, ttl time.Duration, open func(context.Context) (query.Store, error), log *zap.Logger, telemetry Telemetry) (backend.Backend, error) {
	sealed, ok := inner.(backend.SealedBackend)
	if !ok {
		return nil, errors.New("seal: this backend keeps no seals: leave it out")
	}
	b := &Backend{
		inner: sealed, cfg: cfg, ttl: ttl, openStore: open, log: log, telemetry: telemetry, conditions: conditionlog.New(log, time.Now),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}), doubtful: map[session.ID]doubt{},
	}
	if shared, ok := inner.(backend.SharedWriter); ok {
		return &sharedBackend{b, shared}, nil
	}
	return b, nil
}

// Write has the records stored, and sealed within the interval.
func (b *Backend) Write(ctx context.Context, events iter.Seq2[int, *session.Event]) (backend.Result, error) {
	ep, err := b.enterEpoch()
	if err != nil {
		return backend.Result{}, err
	}
	told := &toldRecords{epoch: ep, committer: seal.NewCommitter(ep.seed)}
	result, fates, err := b.inner.WriteTelling(ctx, told.listen(events))
	if told.err != nil {
		b.reportJournal(told.err)
	}
	if err == nil {
		err = b.settleDoubts(ctx, told, fates)
	}
	if isNew := b.leaveEpoch(told, fates, err); isNew && b.cfg.Interval == 0 {
		err = b.waitForSeal(ctx, ep)
	}
	return result, err
}

func (b *Backend) enterEpoch() (*epoch, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.unsealed >= mostUnsealed && b.failed != nil {
		return nil, fmt.Errorf("seals cannot be stored, and too many records wait for theirs: %w", b.failed)
	}
	if b.current.isIdle() {
		b.begun = time.Now()
	}
	b.current.writes++
	return b.current, nil
}

// leaveEpoch takes up what was stored, and tells whether there is something to seal. Where the outcome is not known, what was told is remembered instead.
func (b *Backend) leaveEpoch(told *toldRecords, fates []backend.Fate, err error) (isNew bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	ep := told.epoch
	ep.writes--
	for i := range told.entries {
		e := &told.entries[i]
		switch {
		case e.Kind == 0 || consumererror.IsPermanent(err):
		case err != nil:
			if len(b.doubtful) < mostDoubtful {
				b.doubtful[e.ID] = doubt{ep.seed, e.Hash}
			}
		case i < len(fates):
			isNew = b.takeStored(ep, e, fates[i]) || isNew
		}
	}
	if b.cfg.Interval == 0 || ep != b.current || ep.pending.Records() >= fullEpoch {
		b.wakeUp()
	}
	return isNew
}

func (b *Backend) takeStored(ep *epoch, e *seal.Entry, fate backend.Fate) (isNew bool) {
	switch fate {
	case backend.FateConflict:
		e.Kind = seal.KindConflict
	case backend.FateNew:
		delete(b.doubtful, e.ID)
	default:
		return false
	}
	ep.pending.AddRecord(*e)
	b.unsealed++
	return true
}

// settleDoubts marks as new what came again, is there already, and is what an earlier write without a known outcome was told.
func (b *Backend) settleDoubts(ctx context.Context, told *toldRecords, fates []backend.Fate) error {
	b.mu.Lock()
	var ids []session.ID
	places := map[session.ID]int{}
	if len(b.doubtful) > 0 {
		for i, fate := range fates {
			if _, known := b.doubtful[told.entries[i].ID]; known && fate == backend.FateDuplicate {
				ids, places[told.entries[i].ID] = append(ids, told.entries[i].ID), i
			}
		}
	}
	b.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	return b.compareStored(ctx, ids, told.committer, func(e seal.Entry) {
		told.entries[places[e.ID]], fates[places[e.ID]] = e, backend.FateNew
	})
}

// compareStored reads doubtful records, and yields an entry of each that is there as it was told.
func (b *Backend) compareStored(ctx context.Context, ids []session.ID, c *seal.Committer, yield func(seal.Entry)) error {
	store, err := b.openStore(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	for stored, err := range sealquery.Records(ctx, store, ids) {
		if err != nil {
			return err
		}
		b.mu.Lock()
		d := b.doubtful[stored.RecordID]
		b.mu.Unlock()
		if seal.NewCommitter(d.seed).Entry(seal.KindEvent, stored).Hash == d.hash {
			yield(c.Entry(seal.KindEvent, stored))
		}
	}
	return nil
}

func (b *Backend) wakeUp() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *Backend) waitForSeal(ctx context.Context, ep *epoch) error {
	select {
	case <-ep.done:
		return nil
	case <-b.stopped:
		return errors.New("the records are stored, and not sealed: the exporter has stopped")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (b *Backend) reportJournal(err error) {
	b.conditions.Raise(journalFail, "what is still to be sealed cannot be written down: records that are stored when this collector is killed would stay unsealed; free space there, or name another folder",
		zap.String("key", "seal::directory"), zap.Error(err))
}

// Shutdown seals what waits, then stops the backend.
func (b *Backend) Shutdown(ctx context.Context) error {
	if b.running {
		close(b.stop)
		<-b.stopped
		if err := b.sealAll(ctx); err != nil {
			b.log.Warn("records that are stored wait for their seal until this collector starts again", zap.String("key", "seal"), zap.Error(err))
		}
		b.showHead(time.Now())
	}
	return b.inner.Shutdown(ctx)
}
