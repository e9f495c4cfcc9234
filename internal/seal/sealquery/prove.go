package sealquery

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

var (
	// ErrNoRecord is the error where session_events has no record of an id.
	ErrNoRecord = errors.New("there is no record of this id")

	// ErrSealMissing is the error where rows of the seals' tables are gone.
	ErrSealMissing = errors.New("a seal is missing: `sessionlog verify` names what is")
)

// ReadRecord reads one of session_events.
func ReadRecord(ctx context.Context, s query.Store, id session.ID) (*session.Event, error) {
	var record session.Event
	err := ErrNoRecord
	for e, readErr := range Records(ctx, s, s.Table(), []session.ID{id}) {
		if readErr != nil {
			return nil, readErr
		}
		e.CopyTo(&record)
		err = nil
	}
	return &record, err
}

// Prove makes the proof of a stored record. The error of one that is in no seal, or not as it was sealed, is seal.ErrNotSealed. Of many seals it looks first where the
// record should be by its id, so that whoever has little time finds most of them.
func Prove(ctx context.Context, s query.Store, record *session.Event) (none seal.RecordProof, err error) {
	search := sealSearch{store: s, record: record, problem: seal.ErrNotSealed}
	logs, err := Logs(ctx, s)
	if err != nil {
		return none, err
	}
	guesses := make([]uint64, len(logs))
	for i, log := range logs {
		if guesses[i], err = guessSeal(ctx, s, log, record.RecordID); err != nil {
			return none, err
		}
	}
	for _, side := range []sealSide{{">=", ""}, {"<", " DESC"}} {
		for i, log := range logs {
			if err := search.tryEach(ctx, log, side, guesses[i]); err != nil {
				return none, err
			}
			if search.made != nil {
				return *search.made, nil
			}
		}
	}
	return none, search.problem
}

// identityOfBytes is a field whose literals fit to columns of bytes, as those of pages are in every store.
var identityOfBytes = query.MustFieldOf("trace_id")

// guessSeal is the first page of a log from which on a record is likely to be, where ids begin with the time: by halves, as if seals were in the order of their greatest ids.
func guessSeal(ctx context.Context, s query.Store, log string, id session.ID) (uint64, error) {
	last, err := readLastSeal(ctx, s, log)
	if err != nil || len(last) == 0 {
		return 0, err
	}
	var statements session.ID // the ids of a seal without records
	tail := " FROM " + s.TableNamed("session_seal_pages") + " WHERE log = " + s.Text(log) + " AND max_id > " + s.Identity(identityOfBytes, statements[:])
	low, high := uint64(0), last[0].First+1
	for low < high {
		middle := low + (high-low)/2
		next, greatest := high, ""
		for row, err := range s.Rows(ctx, s.Select("first", s.Hexadecimal("max_id"))+tail+fmt.Sprintf(" AND first >= %d AND first < %d ORDER BY first LIMIT 1", middle, high), 2) {
			if err != nil {
				return 0, err
			}
			if next, err = strconv.ParseUint(row[0].Text, 10, 63); err != nil || next < middle {
				return 0, malformedTable("session_seal_pages", errNumbers)
			}
			greatest = strings.ToLower(row[1].Text)
		}
		if greatest != "" && greatest < hex.EncodeToString(id[:]) {
			low = next + 1
		} else {
			high = middle
		}
	}
	return low, nil
}

// sealSide is the seals on one side of a guess, the nearest first.
type sealSide struct{ comparison, order string }

// sealSearch looks for the seal of a record.
type sealSearch struct {
	store   query.Store
	record  *session.Event
	made    *seal.RecordProof
	problem error // of the seal that came closest
}

// tryEach tries the seals of which the record may be one, one by one: most often the first has it, and all after it need not be read.
func (w *sealSearch) tryEach(ctx context.Context, log string, side sealSide, from uint64) error {
	literal := w.store.Identity(identityOfBytes, w.record.RecordID[:])
	sql := w.store.Select("first") + " FROM " + w.store.TableNamed("session_seal_pages") + " WHERE log = " + w.store.Text(log) + " AND min_id <= " + literal + " AND max_id >= " + literal
	for {
		first, found := uint64(0), false
		for row, err := range w.store.Rows(ctx, fmt.Sprintf("%s AND first %s %d ORDER BY first%s LIMIT 1", sql, side.comparison, from, side.order), 1) {
			if err != nil {
				return err
			}
			if first, err = strconv.ParseUint(row[0].Text, 10, 63); err != nil {
				return malformedTable("session_seal_pages", err)
			}
			found = true
		}
		if !found {
			return nil
		}
		if err := w.trySeal(ctx, log, first); err != nil || w.made != nil {
			return err
		}
		if from = first; side.order == "" {
			from++
		}
	}
}

// trySeal goes on after a seal that is not as it should be: another one may have the record.
func (w *sealSearch) trySeal(ctx context.Context, log string, first uint64) error {
	one, err := SealAt(ctx, w.store, log, first)
	var before seal.Tip
	if err == nil {
		before, err = TipAt(ctx, w.store, log, first)
	}
	if err != nil && !errors.Is(err, ErrSealMissing) {
		return err
	}
	if err == nil {
		var made seal.RecordProof
		if made, err = one.Prove(before, w.record); err == nil {
			w.made = &made
			return nil
		}
	}
	if !errors.Is(err, seal.ErrNotSealed) || errors.Is(err, seal.ErrSealedOtherwise) {
		w.problem = err
	}
	return nil
}

// TipAt is the end of a log when it had so many pages, where a seal ends there.
func TipAt(ctx context.Context, s query.Store, log string, first uint64) (seal.Tip, error) {
	if first == 0 {
		return seal.Tip{}, nil
	}
	some, err := readSeals(ctx, s, log, fmt.Sprintf("first < %d ORDER BY first DESC LIMIT 1", first))
	switch {
	case err != nil:
		return seal.Tip{}, err
	case len(some) == 0 || some[0].First+some[0].Pages != first:
		return seal.Tip{}, fmt.Errorf("session_seals: before page %d of log %s %w", first, log, ErrSealMissing)
	}
	return seal.Tip{Size: first, Edge: some[0].Edge}, nil
}

// ProveGrowth is the consistency proof of a log between two sizes that seals end at.
func ProveGrowth(ctx context.Context, s query.Store, log string, seen, size uint64) ([]seal.Hash, error) {
	before, err := TipAt(ctx, s, log, seen)
	if err != nil {
		return nil, err
	}
	g := seal.GrowthFrom(before)
	for one, err := range Seals(ctx, s, log, seen) {
		if err != nil {
			return nil, err
		}
		if g.End() >= size {
			break
		}
		if !one.HasPages {
			return nil, fmt.Errorf("session_seal_pages: at page %d of log %s %w", one.First, log, ErrSealMissing)
		}
		if err := g.Append(&one.Seal); err != nil {
			return nil, err
		}
	}
	if g.End() != size {
		return nil, fmt.Errorf("session_seals: page %d of log %s %w", g.End(), log, ErrSealMissing)
	}
	return g.Prove()
}
