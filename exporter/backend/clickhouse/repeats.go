package clickhouse

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"slices"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/session"
)

// errVanished is no lasting state: the record ran out of its time to live, or a replica that lags behind was asked.
var errVanished = errors.New("a record that was there a moment ago is not: it is tried again")

// repeats compares the events that were not inserted with the stored ones of the same ids.
func (w *write) repeats(ctx context.Context, ids []id) error {
	for chunk := range slices.Chunk(ids, readAtOnce) {
		stored, err := w.stored(ctx, chunk)
		if err == nil {
			err = w.compare(ctx, chunk, stored)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// compare counts duplicates and conflicts. The stored record of a duplicate goes into the states of sessions once more, which does
// not change them, for the server may have died between storing the record and making them. The duplicate itself would change them:
// it may bear another trace, or another session key, which is no other content. A conflict is kept aside.
func (w *write) compare(ctx context.Context, ids []id, stored map[session.ID]*session.Event) error {
	var conflicts []*session.Event
	w.block.reset()
	for ordinal, e := range w.accepted {
		if ordinal >= len(w.take) {
			return errChanged
		}
		if w.take[ordinal] || !holds(ids, e.RecordID) {
			continue
		}
		was := stored[e.RecordID]
		if was == nil {
			return errVanished
		}
		if !was.SameContent(e) {
			w.result.Conflicts++
			kept := &session.Event{}
			e.CopyTo(kept)
			conflicts = append(conflicts, kept)
			continue
		}
		w.result.Duplicates++
		w.block.add(was)
		if w.block.full() {
			if err := w.insert(ctx, w.sql.feed, w.block.fed, w.done); err != nil {
				return err
			}
		}
	}
	if w.block.rows > 0 {
		if err := w.insert(ctx, w.sql.feed, w.block.fed, w.done); err != nil {
			return err
		}
	}
	if len(conflicts) == 0 {
		return nil
	}
	return w.keep(ctx, ids, conflicts)
}

// keep puts versions aside that are not there yet.
func (w *write) keep(ctx context.Context, ids []id, events []*session.Event) error {
	w.conflicts.Lock()
	defer w.conflicts.Unlock()
	kept, err := w.keptVersions(ctx, ids)
	if err != nil {
		return err
	}
	hashes := &fixed{typ: "FixedString(16)", width: 16}
	columns := append(slices.Clone(w.block.all), proto.InputColumn{Name: "content_hash", Data: hashes})
	next := func() error {
		w.block.reset()
		hashes.Reset()
		for len(events) > 0 && !w.block.full() {
			e := events[0]
			events = events[1:]
			v := version{e.RecordID, contentHash(e)}
			if !kept[v] {
				kept[v] = true
				w.block.add(e)
				hashes.buf = append(hashes.buf, v.hash[:]...)
			}
		}
		if len(events) == 0 {
			return io.EOF
		}
		return nil
	}
	if err := next(); err != nil && w.block.rows == 0 {
		return nil //nolint:nilerr // all of them are there
	}
	return w.insert(ctx, w.sql.keep, columns, next)
}

// version is one of several contents with the same id.
type version struct {
	id, hash session.ID
}

func (l *link) keptVersions(ctx context.Context, ids []id) (map[version]bool, error) {
	kept := map[version]bool{}
	records, hashes := proto.ColFixedStr{Size: 16}, proto.ColFixedStr{Size: 16}
	results := proto.Results{{Name: "record_id", Data: &records}, {Name: "content_hash", Data: &hashes}}
	err := l.ask(ctx, l.sql.kept, ids, results, func() { clear(kept) }, func(rows int) error {
		for i := range rows {
			kept[version{session.ID(records.Row(i)), session.ID(hashes.Row(i))}] = true
		}
		return nil
	})
	return kept, err
}

// contentHash tells versions of one record apart. It is only asked for where two versions differ, which is rare.
func contentHash(e *session.Event) session.ID {
	sum := sha256.Sum256(e.AppendContent(nil))
	return session.ID(sum[:16])
}
