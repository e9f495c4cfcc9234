// Package source holds the contract between the receiver and the sources that it reads.
package source

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Source reads authentication events from one system. Its acceptance test is package sourcetest.
type Source interface {
	// Run reads until ctx ends, then returns nil within a second. It waits out by itself whatever may pass (a server that
	// is away, a table that does not exist yet) and says so through Host.Status; an error that it returns is fatal.
	// A source that has delivered everything (a one-shot file) returns nil early. What the pipeline took while Run was stopping is
	// remembered before it returns, so that a clean restart delivers nothing twice: only what was taken after a batch that was cut
	// off is delivered again with that one.
	Run(ctx context.Context, host Host) error
}

// Starter is implemented by sources that find mistakes of the configuration only by doing something with it: a port that is taken, an
// extension that does not exist.
type Starter interface {
	Source
	// Start is called once, before Run and with Run's host. An error ends the start of the collector, and Run is not called then.
	// After a Start without error Run is called in any case: what Start has opened, Run closes.
	Start(ctx context.Context, host Host) error
}

// Stateless is implemented by sources that remember nothing because whoever pushed an event keeps it until he hears that it is
// delivered. They need no storage.
type Stateless interface {
	Source
	Stateless()
}

// Emit hands a batch to the pipeline and tries again until its fate is known: sources do not. nil means delivered: only then may
// the source move its cursor past the batch. What the pipeline refuses for good is put into the dead letter by the receiver, and
// counts as delivered. An error means that ctx has ended and nothing was promised: the same events are delivered by the next run,
// with the same ids.
//
// The batch's events are the caller's again when Emit returns; their strings must never change afterwards.
// Emit is safe for concurrent use.
type Emit func(ctx context.Context, batch []session.Event) error

// Host is what the receiver offers to its source.
type Host struct {
	Emit  Emit
	Store Store
	Stats Stats
	Log   *zap.Logger
	// Status tells the collector how the source is doing: nil is well, an error is one that will be retried.
	Status func(error)
	// Now is the clock for Event.Observed and for waiting; never for an id.
	Now func() time.Time
	// Extensions are the collector's, for sources whose settings name one, as auth does. It may be nil.
	Extensions map[component.ID]component.Component
	// InstanceSet says that the instance is written in the configuration, and not the source's own choice.
	InstanceSet bool
	// Hide redacts an event before an id is made of what it says, for sources that make such ids; nil: nothing. Emit does the rest.
	Hide func(*session.Event)
}

// Store keeps a source's cursor. Keys are the source's own. Set returns when the storage extension has the value; several
// Sets are not atomic together, so a source writes what makes repeating harmless first and its cursor last.
type Store interface {
	Get(ctx context.Context, key string) ([]byte, error) // nil, nil when there is none
	Set(ctx context.Context, key string, value []byte) error
	// SetAll writes several values for the price of one: in one transaction, where the storage extension has such. A key whose value
	// is nil is deleted.
	SetAll(ctx context.Context, values map[string][]byte) error
	Delete(ctx context.Context, key string) error
}

// ExplainUnsavedStart says what a store that fails means to a source that is to begin at the end.
func ExplainUnsavedStart(err error) error {
	return fmt.Errorf("initial: end: where this first start began cannot be stored: after a restart meanwhile reading begins anew at the end, "+
		"and what was written in between is not delivered; mend the storage, or write a time under initial where the source takes one: %w", err)
}

// Stats receives what a source counts beyond the events that it emits.
type Stats interface {
	// BadRows counts rows that cannot be read, and logs place (file and offset, table and time) and reason at most once a
	// minute. Neither may hold a value of the row.
	BadRows(n int, place string, reason error)
	// Excluded counts rows left out on purpose: the collector's own logins.
	Excluded(n int)
	// Vanished counts rows that the source system no longer has although they are younger than its retention.
	Vanished(n int)
	// PollFailed counts a try to read the source that failed.
	PollFailed()
	// Lost says that rows of this time of the source's clock were thrown away before they could be read. The source has logged it.
	Lost(from, to time.Time)
	// Repeated counts events delivered again on purpose, with the ids that they had.
	Repeated(n int)
	// Read says that everything up to this time of the source's clock has been delivered; lag is what is still ahead.
	Read(upTo time.Time, lag time.Duration)
	// Backlog says how many rows are known to be still to be read, how many a second were since the backlog began, and how long they will take
	// at that rate: all 0 where there is no backlog.
	Backlog(rows int, rate float64, toGo time.Duration)
}
