package sourcetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/session"
)

// table is a source system in memory, the simplest there can be: rows have a number, so a cursor is a number.
type table struct {
	mu   sync.Mutex
	rows []Row // a row without user is bad
}

func (tb *table) add(_ testing.TB, rows ...Row) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.rows = append(tb.rows, rows...)
}

func (tb *table) from(n int) []Row {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return append([]Row(nil), tb.rows[n:]...)
}

// reader is a source over a table. fault names the one promise that it breaks; without, it keeps all.
type reader struct {
	table  *table
	opt    Options
	fault  string
	cursor int
	read   int
	now    func() time.Time
	hangs  chan struct{}
}

const cursorKey = "cursor"

func (r *reader) Run(ctx context.Context, host source.Host) error {
	r.now = host.Now
	saved, err := host.Store.Get(ctx, cursorKey)
	if err != nil {
		return err
	}
	r.cursor, _ = strconv.Atoi(string(saved))
	if r.fault == "leaves a goroutine" {
		go func() { select {} }()
	}
	if r.hangs != nil {
		close(r.hangs)
		if r.fault == "does not hear the stop" {
			time.Sleep(time.Hour)
		}
		<-ctx.Done()
		return nil
	}
	for ctx.Err() == nil {
		if !r.poll(ctx, host) {
			r.pause(ctx)
		}
	}
	if r.fault == "returns the context's error" {
		return ctx.Err()
	}
	return nil
}

func (r *reader) pause(ctx context.Context) {
	timer := time.NewTimer(time.Millisecond)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// poll emits one batch and reports whether that made progress.
func (r *reader) poll(ctx context.Context, host source.Host) bool {
	rows := r.table.from(r.cursor)
	if len(rows) == 0 {
		return false
	}
	if len(rows) > r.opt.BatchSize {
		rows = rows[:r.opt.BatchSize]
	}
	batch, bad := r.batch(rows)
	next := r.cursor + len(rows)
	if r.fault == "saves before it delivers" {
		r.save(ctx, host, next)
	}
	err := host.Emit(ctx, batch)
	if err != nil && r.fault == "moves on after an error" {
		err = nil
	}
	if err != nil {
		return false
	}
	if bad > 0 && r.fault != "keeps silent about bad rows" {
		host.Stats.BadRows(bad, "row in memory", errors.New("no user"))
	}
	r.cursor = next
	if ctx.Err() != nil && r.fault == "does not save when told to stop" {
		return true
	}
	if r.fault != "never saves" {
		r.save(ctx, host, next)
	}
	return true
}

func (r *reader) save(ctx context.Context, host source.Host, n int) {
	_ = host.Store.Set(ctx, cursorKey, strconv.AppendInt(nil, int64(n), 10)) // a failure repeats, which is allowed
}

func (r *reader) batch(rows []Row) (batch []session.Event, bad int) {
	for i, row := range rows {
		switch {
		case row.User == "":
			bad++
			if r.fault == "drops the batch of a bad row" {
				return nil, bad
			}
			continue
		case row.Time.Before(r.opt.From):
			continue
		case r.fault == "takes equal times for copies" && i > 0 && row.Time.Equal(rows[i-1].Time):
			continue
		case r.fault == "passes over late rows" && i == 0 && r.cursor > 0 && row.Time.Before(r.table.from(0)[r.cursor-1].Time):
			continue
		}
		batch = append(batch, r.event(row))
	}
	return batch, bad
}

func (r *reader) event(row Row) session.Event {
	r.read++
	var h session.Hasher
	h.Start("memory", "test", "one").Str(row.User)
	e := session.Event{
		Kind: session.KindLogin, Outcome: session.OutcomeSuccess, SourceEvent: "login", Time: row.Time.UnixNano(),
		Observed: r.now().UnixNano(), System: "test", Instance: "one", User: row.User, RecordID: h.RecordID(row.Time.UnixNano()), SessionKey: h.Key(),
	}
	switch r.fault {
	case "has random ids":
		e.RecordID = h.Int(rand.Int64()).RecordID(e.Time)
	case "counts from its start in ids":
		e.RecordID = h.Int(int64(r.read)).RecordID(e.Time)
	case "has keys of its own batch":
		e.SessionKey = h.Int(int64(r.opt.BatchSize)).Key()
	case "has one id a timestamp":
		e.RecordID = h.Start("", "", "").RecordID(e.Time)
	case "reads the wall clock":
		e.Time = e.Observed
	}
	return e
}
