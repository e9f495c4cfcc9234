// Package sealquery reads seals, and the records that they are about, from any backend that can be asked.
package sealquery

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// StoredSeal is a seal as the tables have it.
type StoredSeal struct {
	seal.Seal
	HasPages bool // false where its pages have been dropped, or removed
}

// sealsAtOnce bounds the memory of a page of seals, each of which may have some hundred kilobytes of entries.
const sealsAtOnce = 64

const (
	sealColumns = 6
	pageColumns = 6
)

// Logs are the origins of all logs that have a seal. Each is one look-up, however many seals it has.
func Logs(ctx context.Context, s query.Store) (all []string, err error) {
	condition := " WHERE log > " + s.Text("") // whoever puts in a row of no log hides no other
	for {
		name := ""
		for row, err := range s.Rows(ctx, s.Select("min(log)")+" FROM "+s.TableNamed("session_seals")+condition, 1) {
			if err != nil {
				return nil, err
			}
			name = row[0].Text
		}
		if name == "" || slices.Contains(all, name) { // the second: somebody has written bytes instead of a text, which are greater than every text
			return all, nil
		}
		all = append(all, name)
		condition = " WHERE log > " + s.Text(name)
	}
}

// LastHeads are the last seal of each log, without their pages.
func LastHeads(ctx context.Context, s query.Store) (all []*StoredSeal, err error) {
	logs, err := Logs(ctx, s)
	for _, log := range logs {
		last, err := readLastSeal(ctx, s, log)
		if err != nil {
			return nil, err
		}
		all = append(all, last...)
	}
	return all, err
}

// Seals yields those of a log from a page on, in their order. A seal is the caller's own.
func Seals(ctx context.Context, s query.Store, log string, from uint64) iter.Seq2[*StoredSeal, error] {
	return query.YieldEach(func(next func(*StoredSeal) bool) error {
		for {
			before := from
			some, err := readSeals(ctx, s, log, fmt.Sprintf("first >= %d ORDER BY first LIMIT %d", from, sealsAtOnce))
			if err != nil {
				return err
			}
			read := len(some)
			some = withoutRepeated(some)
			if err := readPages(ctx, s, log, some); err != nil {
				return err
			}
			for _, one := range some {
				if !next(one) {
					return nil
				}
				from = max(from, one.First+1)
			}
			if read < sealsAtOnce {
				return nil
			}
			if from == before { // numbers that cannot be read come after all others
				return malformedTable("session_seals", errNumbers)
			}
		}
	})
}

// LastSeal is the last one of a log, or nil.
func LastSeal(ctx context.Context, s query.Store, log string) (*StoredSeal, error) {
	some, err := readLastSeal(ctx, s, log)
	if err != nil || len(some) == 0 {
		return nil, err
	}
	return some[0], readPages(ctx, s, log, some)
}

func readLastSeal(ctx context.Context, s query.Store, log string) ([]*StoredSeal, error) {
	return readSeals(ctx, s, log, "first >= 0 ORDER BY first DESC LIMIT 1")
}

// FirstPage is where the pages begin that a table has of a log.
func FirstPage(ctx context.Context, s query.Store, log string) (first uint64, err error) {
	for row, err := range s.Rows(ctx, s.Select("min(first)")+" FROM "+s.TableNamed("session_seal_pages")+" WHERE log = "+s.Text(log), 1) {
		if err != nil {
			return 0, err
		}
		first, _ = strconv.ParseUint(row[0].Text, 10, 63) // of none there is nothing to let go of
	}
	return first, nil
}

// SealAt is the one that begins at a page of a log.
func SealAt(ctx context.Context, s query.Store, log string, first uint64) (*StoredSeal, error) {
	some, err := readSeals(ctx, s, log, fmt.Sprintf("first = %d", first))
	some = withoutRepeated(some)
	if err == nil && len(some) != 1 {
		err = fmt.Errorf("session_seals: at page %d of log %s %w", first, log, ErrSealMissing)
	}
	if err != nil {
		return nil, err
	}
	return some[0], readPages(ctx, s, log, some)
}

// SealsBetween are those of a log that begin at pages from first to last.
func SealsBetween(ctx context.Context, s query.Store, log string, first, last uint64) ([]*StoredSeal, error) {
	some, err := readSeals(ctx, s, log, fmt.Sprintf("first >= %d AND first <= %d ORDER BY first", first, last))
	if err != nil {
		return nil, err
	}
	some = withoutRepeated(some)
	return some, readPages(ctx, s, log, some)
}

// withoutRepeated leaves out rows that an insert without a known outcome has left twice, where nothing is unique.
func withoutRepeated(some []*StoredSeal) []*StoredSeal {
	return slices.CompactFunc(some, func(a, b *StoredSeal) bool {
		return a.First == b.First && a.Pages == b.Pages && a.Entries == b.Entries && a.Head == b.Head && bytes.Equal(a.Edge, b.Edge)
	})
}

func readSeals(ctx context.Context, s query.Store, log, tail string) (all []*StoredSeal, err error) {
	sql := s.Select("log", "first", "pages", "entries", "head", s.Hexadecimal("edge")) + " FROM " + s.TableNamed("session_seals") + " WHERE log = " + s.Text(log) + " AND " + tail
	for row, err := range s.Rows(ctx, sql, sealColumns) {
		if err != nil {
			return nil, err
		}
		one := &StoredSeal{Seal: seal.Seal{Log: row[0].Text, Head: row[4].Text}}
		for i, number := range []*uint64{&one.First, &one.Pages, &one.Entries} {
			if *number, err = strconv.ParseUint(row[i+1].Text, 10, 63); err != nil {
				*number = 0 // what somebody has written so is in no signed head
			}
		}
		if one.Edge, err = hex.DecodeString(row[5].Text); err != nil {
			return nil, malformedTable("session_seals", err)
		}
		all = append(all, one)
	}
	return all, nil
}

func malformedTable(table string, err error) error { return fmt.Errorf("%s: %w", table, err) }

var errNumbers = errors.New("many rows have numbers that are none")

// readPages fills in the pages of some seals that follow each other.
func readPages(ctx context.Context, s query.Store, log string, some []*StoredSeal) error {
	if len(some) == 0 {
		return nil
	}
	byFirst := make(map[string]*StoredSeal, len(some))
	least, greatest := some[0].First, some[0].First
	for _, one := range some {
		least, greatest = min(least, one.First), max(greatest, one.First)
		byFirst[strconv.FormatUint(one.First, 10)] = one
	}
	sql := s.Select("first", s.Hexadecimal("min_id"), s.Hexadecimal("max_id"), s.Hexadecimal("seed"), s.Hexadecimal("manifest"), "texts") + " FROM " + s.TableNamed("session_seal_pages") +
		fmt.Sprintf(" WHERE log = %s AND first >= %d AND first <= %d", s.Text(log), least, greatest)
	for row, err := range s.Rows(ctx, sql, pageColumns) {
		if err != nil {
			return err
		}
		one := byFirst[row[0].Text]
		if one == nil { // pages without a seal: whoever reads finds that the seal is missing
			continue
		}
		var decoded [4][]byte
		for i := range decoded {
			if decoded[i], err = hex.DecodeString(row[i+1].Text); err != nil {
				return malformedTable("session_seal_pages", err)
			}
		}
		if len(decoded[0]) != len(one.MinID) || len(decoded[1]) != len(one.MaxID) || len(decoded[2]) != len(one.Seed) {
			one.HasPages = true // and they are altered
			continue
		}
		one.MinID, one.MaxID, one.Seed = session.ID(decoded[0]), session.ID(decoded[1]), seal.Seed(decoded[2])
		one.Manifest, one.Texts, one.HasPages = decoded[3], row[5].Text, true
	}
	return nil
}

// RecordID is the field of ids.
var RecordID = query.MustFieldOf("record_id")

// idsAtOnce fit into a statement.
const idsAtOnce = 1000

// Records yields the events with these ids that a table has, in no order. An event is valid until the next one.
func Records(ctx context.Context, s query.Store, table string, ids []session.ID) iter.Seq2[*session.Event, error] {
	return query.YieldEach(func(next func(*session.Event) bool) error {
		for len(ids) > 0 {
			some := ids[:min(len(ids), idsAtOnce)]
			ids = ids[len(some):]
			for e, err := range s.Events(ctx, table, " WHERE "+query.AmongRecords(s, some)) {
				if err != nil {
					return err
				}
				if !next(e) {
					return nil
				}
			}
		}
		return nil
	})
}

// RecordsBetween yields the rows with from <= record_id <= to of session_events, or of session_conflicts, in the order of their ids. An event is valid until the
// next one.
func RecordsBetween(ctx context.Context, s query.Store, table string, from, to session.ID) iter.Seq2[*session.Event, error] {
	return s.Events(ctx, table, " WHERE record_id >= "+s.Identity(RecordID, from[:])+" AND record_id <= "+s.Identity(RecordID, to[:])+" ORDER BY record_id")
}
