package backend

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Fate is what became of a record.
type Fate uint8

// What may become of a record.
const (
	FateUnstored  Fate = iota // expired, refused, or of a kind for which there is no place
	FateNew                   // a new row of session_events
	FateDuplicate             // there already, in session_events or in session_conflicts
	FateConflict              // a new row of session_conflicts
)

// ContentHash gives the content hash of a record that a sequence yields with an index: that of NewContentHash, or of who makes something else of the
// same bytes.
type ContentHash func(index int, e *session.Event) [16]byte

// NewContentHash asks the record alone. It is not safe for concurrent use.
func NewContentHash() ContentHash {
	hasher := new(session.Hasher)
	return func(_ int, e *session.Event) [16]byte { return e.ContentHash(hasher) }
}

// SealedBackend is a backend that keeps seals beside its events: tables session_seals and session_seal_pages, which package query reads.
type SealedBackend interface {
	Backend

	// WriteWithFates is Write, and gives what became of each record: fates[i] of the one that the sequence yields with index i. What the sequence has not
	// yielded, and the end of the slice that may be missing, is FateUnstored. It asks hash of each record that may be stored, while the sequence yields it.
	WriteWithFates(ctx context.Context, events iter.Seq2[int, *session.Event], hash ContentHash) (result Result, fates []Fate, err error)

	// AppendSeal makes a seal durable. One that is there already is not written again. ErrLogTaken says that another one has its place, and
	// ErrLogLost that the one before it has gone.
	AppendSeal(ctx context.Context, s *seal.Seal) error

	// PruneSeals deletes what a log has of its pages before one, but the seal that ends there.
	PruneSeals(ctx context.Context, log string, before uint64) error

	// EraseRecords deletes what there is of some ids, MostErased at most, so that no question finds it and the store's own files do not keep it, as far as
	// that is the store's to decide: rows of session_events, unless onlyConflicts, of session_conflicts, and what is counted from them.
	EraseRecords(ctx context.Context, ids []session.ID, onlyConflicts bool) error
}

// SealClaimer is a SealedBackend in which nothing keeps two seals from one place of a log.
type SealClaimer interface {
	// ClaimSeal takes the next place of a log for whoever is about to append a seal there. ErrLogClaimed says that somebody else is, and ErrLogTaken that he has.
	ClaimSeal(ctx context.Context, log string, first uint64, claimant string) error
}

// MostErased is how many records are erased at a time. A mutation of ClickHouse costs as much for one as for all of them.
const MostErased = 1 << 16

// ErasedInTransaction is how many are where others write meanwhile, and wait for it.
const ErasedInTransaction = 4096

// ErrLogTaken is returned for a seal in whose place another one is: somebody else writes the same log.
var ErrLogTaken = errors.New("another seal is in its place")

// ErrLogLost is returned for a seal before which the table does not have the log's end any more.
var ErrLogLost = errors.New("the seal before it is not in the table")

// RequireSeal is why a seal was not stored: head is the one in its place, or empty.
func RequireSeal(s *seal.Seal, head string) error {
	switch head {
	case s.Head:
		return nil
	case "":
		return fmt.Errorf("log %s, page %d: %w", s.Log, s.First, ErrLogLost)
	}
	return fmt.Errorf("log %s, page %d: %w", s.Log, s.First, ErrLogTaken)
}

// ErrLogClaimed is returned where two claim one place of a log: neither has it, and both try again after a while.
var ErrLogClaimed = errors.New("somebody else writes the same log at this moment")
