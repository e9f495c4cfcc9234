package verify

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
	"github.com/otel-sessionlog/sessionlog/session"
)

// hashedRow is one that is as it was sealed, and what its content_hash has to be.
type hashedRow struct {
	id   session.ID
	hash [16]byte
}

// storedHash is what it is.
type storedHash struct {
	hash []byte
	time int64
}

// checkHashes looks at the column by which writers know what comes again: with another hash, a forged version would be taken for the record, and the record for a conflict.
func (v *tableVerifier) checkHashes(ctx context.Context, from recordTable) error {
	rows := v.hashes // in the order of their ids
	if v.hashes = v.hashes[:0]; len(rows) == 0 {
		return nil
	}
	right, differing := make([]bool, len(rows)), map[session.ID]storedHash{}
	s := v.store
	sql := s.Select(s.AsText(sealquery.RecordID), s.Hexadecimal("content_hash"), s.Nanoseconds()) + " FROM " + from.table +
		" WHERE record_id >= " + s.Identity(sealquery.RecordID, rows[0].id[:]) + " AND record_id <= " + s.Identity(sealquery.RecordID, rows[len(rows)-1].id[:])
	for cells, err := range s.Rows(ctx, sql, 3) {
		if err != nil {
			return err
		}
		var id session.ID
		_, _ = hex.Decode(id[:], []byte(cells[0].Text)[:min(len(cells[0].Text), 2*len(id))]) // what is none, is not asked for
		hash, _ := hex.DecodeString(cells[1].Text)
		at, isAsked := slices.BinarySearchFunc(rows, id, func(r hashedRow, id session.ID) int { return compareIDs(r.id, id) })
		isRight := !isAsked
		for ; at < len(rows) && rows[at].id == id; at++ { // of versions that were kept aside, several
			if string(rows[at].hash[:]) == string(hash) {
				right[at], isRight = true, true
			}
		}
		if !isRight {
			nanoseconds, _ := strconv.ParseInt(cells[2].Text, 10, 64)
			differing[id] = storedHash{hash, nanoseconds}
		}
	}
	for i, r := range rows {
		if stored, isDifferent := differing[r.id]; isDifferent && !right[i] {
			v.report(Finding{Kind: KindAltered, RecordID: r.id, Table: from.name, Time: time.Unix(0, stored.time).UTC(), Detail: fmt.Sprintf(
				"its content_hash alone: %x, which has to be %x, so that the same record counts as the same when it comes again", stored.hash, r.hash)})
		}
	}
	return nil
}
