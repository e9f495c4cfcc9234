// Package sealing seals what a backend stores: it stands between an exporter and its backend, makes an entry of each record as it was given, and has
// the backend keep signed seals of those that are new. What it makes can be verified with the public key alone; docs/evidence.md says how.
package sealing

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	// fullEpoch is after how many records a seal does not wait for its interval.
	fullEpoch = 1 << 16
	// mostUnsealed bounds the memory where seals cannot be stored: then records are not either.
	mostUnsealed = 1 << 20

	sealsFail   = "seals fail"
	journalFail = "journal fails"
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
	nextKey      *seal.Key // nil: none is to take over
	lock         *os.File  // of the directory
	innerStarted bool
	running      bool
	cancelRun    context.CancelFunc
	wake         chan struct{}
	stop         chan struct{}
	stopped      chan struct{}
	headShown    time.Time // when heads were shown last
	shownSize    uint64    // of the last head that was shown
	witnesses    []*headWitness
	witnessing   sync.WaitGroup
	isWitnessing atomic.Bool

	cancelWitnesses context.CancelFunc // of the head that they are asked for
	pruned          time.Time          // when pages that may go were looked for last
	namedAt         time.Time          // when the table's logs were named last, with the retention
	namedLogs       int

	state        logState // of the goroutine that seals
	journalsLeft []string // of an earlier run, until the first seal is stored

	mu          sync.Mutex
	current     *openEpoch
	closed      []*openEpoch // to be sealed, in their order
	number      uint64       // of the next epoch
	begun       time.Time
	unsealed    uint64 // records
	failed      error  // why the last seal could not be stored
	unconfirmed unconfirmedRecords
}

// Telemetry counts.
type Telemetry interface {
	// CountSealed is called after each seal, with its records and those that still wait.
	CountSealed(ctx context.Context, records, pending uint64)
	// CountAlarm is called where the log in the table is not what it should be.
	CountAlarm(ctx context.Context)
	// CountCosigned is called after each head that a witness was asked to cosign.
	CountCosigned(ctx context.Context, isCosigned bool)
}

// sharedWriterBackend is for an inner backend that says which writes it likes.
type sharedWriterBackend struct {
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
		wake: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}), unconfirmed: newUnconfirmedRecords(),
	}
	if shared, ok := inner.(backend.SharedWriter); ok {
		return &sharedWriterBackend{b, shared}, nil
	}
	return b, nil
}

// Write has the records stored, and sealed within the interval.
func (b *Backend) Write(ctx context.Context, events iter.Seq2[int, *session.Event]) (backend.Result, error) {
	ep, err := b.joinCurrentEpoch()
	if err != nil {
		return backend.Result{}, err
	}
	given := newGivenRecords(ep)
	result, fates, err := b.inner.WriteWithFates(ctx, given.journalWalks(events), given.makeEntry)
	if given.err != nil {
		b.reportJournal(given.err)
	}
	switch {
	case err == nil:
		var found []confirmedEntry
		found, err = b.findConfirmed(ctx, given, fates)
		b.leaveEpoch(given, fates, found)
		given.release()
	case consumererror.IsPermanent(err):
		b.leaveEpoch(given, nil, nil)
	default:
		b.leaveUnconfirmed(given, events)
	}
	if err == nil && b.cfg.Interval == 0 {
		err = b.waitForSeals(ctx)
	}
	return result, err
}

func (b *Backend) joinCurrentEpoch() (*openEpoch, error) {
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

// leaveEpoch takes up what was stored.
func (b *Backend) leaveEpoch(given *givenRecords, fates []backend.Fate, found []confirmedEntry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	ep := given.epoch
	ep.writes--
	for i, fate := range fates {
		e := &given.entries[i]
		switch fate {
		case backend.FateConflict:
			e.Kind = seal.KindConflict
		case backend.FateNew:
			b.unconfirmed.forget(e.ID)
		default:
			continue
		}
		b.takeStored(ep, e)
	}
	for i := range found {
		if b.unconfirmed.confirm(&found[i]) {
			b.takeStored(ep, &found[i].Entry)
		}
	}
	if b.cfg.Interval == 0 || ep != b.current || ep.pending.Records() >= fullEpoch {
		b.wakeUp()
	}
}

func (b *Backend) takeStored(ep *openEpoch, e *seal.Entry) {
	ep.pending.AddRecord(*e)
	b.unsealed++
}

// leaveUnconfirmed remembers what was given, where the outcome is not known.
func (b *Backend) leaveUnconfirmed(given *givenRecords, events iter.Seq2[int, *session.Event]) {
	var all []seal.Entry
	if len(given.entries) > 0 { // else it has not come as far
		c := seal.NewCommitter(b.unconfirmed.seed)
		for i, e := range events {
			if i < len(given.entries) && given.entries[i].Kind != 0 {
				all = append(all, c.Entry(seal.KindEvent, e))
			}
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	given.epoch.writes--
	for i := range all {
		b.unconfirmed.remember(all[i].ID, unconfirmedVersion{b.unconfirmed.seed, all[i].Hash})
	}
	b.wakeUp()
}

// findConfirmed looks at what came again, is there already, and is what an earlier write without a known outcome was given.
func (b *Backend) findConfirmed(ctx context.Context, given *givenRecords, fates []backend.Fate) ([]confirmedEntry, error) {
	given.err = nil
	b.mu.Lock()
	asked := map[session.ID][]unconfirmedVersion{}
	for i, fate := range fates {
		if id := given.entries[i].ID; fate == backend.FateDuplicate && len(b.unconfirmed.versions[id]) > 0 {
			asked[id] = slices.Clone(b.unconfirmed.versions[id])
		}
	}
	b.mu.Unlock()
	if len(asked) == 0 {
		return nil, nil
	}
	store, err := b.openStore(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = store.Close() }()
	found, err := compareStored(ctx, store, asked, given.committer)
	for i := range found {
		given.unwritten = found[i].Append(given.unwritten)
	}
	given.writeJournal()
	if given.err != nil {
		b.reportJournal(given.err)
	}
	return found, err
}

func (b *Backend) wakeUp() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// waitForSeals waits until all is sealed that is stored now: a record that is there already may be of a write whose sender did not wait so long.
func (b *Backend) waitForSeals(ctx context.Context) error {
	b.mu.Lock()
	waiting := slices.Clone(b.closed)
	if b.current.pending.Records() > 0 {
		waiting = append(waiting, b.current)
	}
	b.mu.Unlock()
	for _, ep := range waiting {
		select {
		case <-ep.done:
		case <-b.stopped:
			return errors.New("the records are stored, and not sealed: the exporter has stopped")
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (b *Backend) reportJournal(err error) {
	b.conditions.Raise(journalFail, "what is still to be sealed cannot be written down: records that are stored when this collector is killed would stay unsealed; free space there, or name another folder",
		zap.String("key", "seal::directory"), zap.Error(err))
}

// longestEnd is how long the end of a collector waits for its last seals: the next start makes up for them.
const longestEnd = 10 * time.Second

// lastCosigning is how long the end of a collector waits for witnesses, twice: for the head before, and for the last one. Whoever ends it may not wait much longer.
const lastCosigning = 1500 * time.Millisecond

func (b *Backend) endWitnessing() {
	defer time.AfterFunc(lastCosigning, b.cancelWitnesses).Stop()
	b.witnessing.Wait()
}

// Shutdown seals what waits, then stops the backend.
func (b *Backend) Shutdown(ctx context.Context) error {
	if b.running {
		ending, cancel := context.WithTimeout(ctx, longestEnd)
		defer cancel()
		defer context.AfterFunc(ending, b.cancelRun)()
		close(b.stop)
		<-b.stopped
		if err := b.sealAll(ending); err != nil {
			b.log.Warn("records that are stored wait for their seal until this collector starts again", zap.String("key", "seal"), zap.Error(err))
		} else {
			b.endWitnessing()
			b.showHead(ending, time.Now())
		}
		b.endWitnessing()
		for _, w := range b.witnesses {
			w.client.CloseIdleConnections()
		}
	}
	return errors.Join(b.inner.Shutdown(ctx), b.unlockDirectory())
}
