package sealquery

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// ErrNoRecord tells that session_events has no record of an id.
var ErrNoRecord = errors.New("there is no record of this id")

// Prove makes the proof of a stored record. The error of one that is in no seal, or not as it was sealed, is seal.ErrNotSealed.
func Prove(ctx context.Context, s query.Store, id session.ID) (none seal.RecordProof, err error) {
	candidates, err := sealsAround(ctx, s, id)
	if err != nil {
		return none, err
	}
	err = ErrNoRecord
	for e, readErr := range Records(ctx, s, s.Table(), []session.ID{id}) {
		if readErr != nil {
			return none, readErr
		}
		err = seal.ErrNotSealed
		for _, c := range candidates {
			made, proveErr := c.seal.Prove(c.before, e)
			switch {
			case proveErr == nil:
				return made, nil
			case !errors.Is(proveErr, seal.ErrNotSealed):
				err = proveErr
			}
		}
	}
	return none, err
}

// sealBehind is a seal with the tip that it follows.
type sealBehind struct {
	seal   *StoredSeal
	before seal.Tip
}

// identityOfBytes is a field whose literals fit to columns of bytes, as those of pages are in every store.
var identityOfBytes = fieldOf("trace_id")

// sealsAround are the seals of whose records the id may be one.
func sealsAround(ctx context.Context, s query.Store, id session.ID) (all []sealBehind, err error) {
	literal := s.Identity(identityOfBytes, id[:])
	places := map[string][]uint64{}
	for row, err := range s.Rows(ctx, s.Select("log", "first")+" FROM "+s.TableNamed("session_seal_pages")+" WHERE min_id <= "+literal+" AND max_id >= "+literal+" ORDER BY log, first", 2) {
		if err != nil {
			return nil, err
		}
		first, err := strconv.ParseUint(row[1].Text, 10, 63)
		if err != nil {
			return nil, malformed("session_seal_pages", err)
		}
		places[row[0].Text] = append(places[row[0].Text], first)
	}
	for log, firsts := range places {
		for _, first := range firsts {
			one, err := SealAt(ctx, s, log, first)
			if err != nil {
				return nil, err
			}
			before, err := tipBefore(ctx, s, log, first)
			if err != nil {
				return nil, err
			}
			all = append(all, sealBehind{one, before})
		}
	}
	return all, nil
}

func tipBefore(ctx context.Context, s query.Store, log string, first uint64) (seal.Tip, error) {
	if first == 0 {
		return seal.Tip{}, nil
	}
	some, err := readSeals(ctx, s, log, fmt.Sprintf("first < %d ORDER BY first DESC LIMIT 1", first))
	switch {
	case err != nil:
		return seal.Tip{}, err
	case len(some) == 0 || some[0].First+some[0].Pages != first:
		return seal.Tip{}, fmt.Errorf("session_seals: the seal before page %d of log %s is missing: `sessionlog verify` names what is", first, log)
	}
	return seal.Tip{Size: first, Edge: some[0].Edge}, nil
}
