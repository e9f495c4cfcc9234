package poll

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// state is what outlives the process: the delivery log, and how far the polls have come. The order of writing makes every cut
// between two writes harmless: ids of rows that were told, then the delivery log's minutes, then the cursor. Whatever is
// missing makes rows be told again; nothing that is there lets a row be passed over that was not told.
type state struct {
	*deliveryLog
	store  source.Store
	prefix string

	start  int64 // rows before it are not wanted
	cursor int64 // polls are through up to here
	polled bool  // there is a cursor: the first look at everything is done

	listed map[int64]bool // minutes whose ids the stored cursor lists
}

// keyPrefix separates what is remembered of different tables and instances, so that a changed one starts anew and going
// back resumes.
func keyPrefix(identity []string) string {
	h := fnv.New64a()
	for _, part := range identity {
		_, _ = h.Write(append(binary.AppendUvarint(nil, uint64(len(part))), part...))
	}
	return fmt.Sprintf("poll/%016x/", h.Sum64())
}

func (s *state) minutesKey(day int64) string {
	return s.prefix + "minutes/" + strconv.FormatInt(day/Day, 10)
}

func (s *state) idsKey(minute int64, chunk int) string {
	return s.prefix + "ids/" + strconv.FormatInt(minute/Minute, 10) + "/" + strconv.Itoa(chunk)
}

const stateVersion = 1

var errState = errors.New("the stored cursor cannot be read; was it written by a newer version? remove it from the storage extension to start anew")

// load reads what is stored. There is nothing when found is false.
func load(ctx context.Context, store source.Store, prefix string) (s *state, found bool, err error) {
	s = &state{deliveryLog: newDeliveryLog(), store: store, prefix: prefix, start: Always.From, listed: map[int64]bool{}}
	b, err := store.Get(ctx, prefix+"cursor")
	if err != nil || b == nil {
		return s, false, err
	}
	d := decoder{b: b}
	if d.uint() != stateVersion {
		return nil, false, errState
	}
	s.start, s.cursor, s.polled = d.int(), d.int(), d.uint() == 1
	for range d.length() {
		s.listed[d.int()*Minute] = true
	}
	if d.bad {
		return nil, false, errState
	}
	if err := s.loadDays(ctx); err != nil {
		return nil, false, err
	}
	return s, true, s.loadIDs(ctx)
}

func (s *state) loadDays(ctx context.Context) error {
	b, err := s.store.Get(ctx, s.prefix+"days")
	if err != nil || b == nil {
		return err
	}
	d := decoder{b: b}
	for range d.length() {
		at, folded, total := d.int()*Day, d.uint() == 1, Tally{d.uint(), d.fixed()}
		s.days[at] = &day{folded: folded, total: total, minutes: map[int64]Tally{}}
	}
	if d.bad {
		return errState
	}
	for at, of := range s.days {
		if of.folded {
			continue
		}
		b, err := s.store.Get(ctx, s.minutesKey(at))
		if err != nil {
			return err
		}
		if b == nil { // killed between the two writes: the day is told again
			continue
		}
		d := decoder{b: b}
		for range d.length() {
			minute := at + d.int()*Minute
			of.minutes[minute] = Tally{d.uint(), d.fixed()}
		}
		if d.bad {
			return errState
		}
	}
	return nil
}

func (s *state) loadIDs(ctx context.Context) error {
	for minute := range s.listed {
		for chunk := 0; ; chunk++ {
			b, err := s.store.Get(ctx, s.idsKey(minute, chunk))
			if err != nil {
				return err
			}
			if b == nil {
				break
			}
			fresh := make([]uint64, 0, len(b)/8)
			for ; len(b) >= 8; b = b[8:] {
				fresh = append(fresh, binary.LittleEndian.Uint64(b))
			}
			s.remember(minute, fresh)
		}
	}
	return nil
}

// saveCursor also lists the minutes of which ids are stored, to find them again.
func (s *state) saveCursor(ctx context.Context) error {
	b := binary.AppendUvarint(nil, stateVersion)
	b = binary.AppendVarint(b, s.start)
	b = binary.AppendVarint(b, s.cursor)
	b = append(b, 0)
	if s.polled {
		b[len(b)-1] = 1
	}
	b = binary.AppendUvarint(b, uint64(len(s.listed)))
	for minute := range s.listed {
		b = binary.AppendVarint(b, minute/Minute)
	}
	return s.store.Set(ctx, s.prefix+"cursor", b)
}

// saveIDs stores ids of one minute that were told.
func (s *state) saveIDs(ctx context.Context, minute int64, fresh []uint64) error {
	if !s.listed[minute] {
		s.listed[minute] = true
		if err := s.saveCursor(ctx); err != nil {
			return err
		}
	}
	b := make([]byte, 0, 8*len(fresh))
	for _, id := range fresh {
		b = binary.LittleEndian.AppendUint64(b, id)
	}
	return s.store.Set(ctx, s.idsKey(minute, s.remember(minute, fresh)), b)
}

func (s *state) saveDays(ctx context.Context) error {
	s.mu.Lock()
	b := binary.AppendUvarint(nil, uint64(len(s.days)))
	for at, of := range s.days {
		b = binary.AppendVarint(b, at/Day)
		if of.folded {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
		b = binary.AppendUvarint(b, of.total.Count)
		b = binary.LittleEndian.AppendUint64(b, of.total.Hash)
	}
	s.mu.Unlock()
	return s.store.Set(ctx, s.prefix+"days", b)
}

func (s *state) saveMinutes(ctx context.Context, at int64) error {
	s.mu.Lock()
	of := s.days[at]
	if of == nil || of.folded {
		s.mu.Unlock()
		return nil
	}
	b := binary.AppendUvarint(nil, uint64(len(of.minutes)))
	for minute, t := range of.minutes {
		b = binary.AppendVarint(b, (minute-at)/Minute)
		b = binary.AppendUvarint(b, t.Count)
		b = binary.LittleEndian.AppendUint64(b, t.Hash)
	}
	s.mu.Unlock()
	return s.store.Set(ctx, s.minutesKey(at), b)
}

// forgetIDs drops the ids of minutes before a time.
func (s *state) forgetIDs(ctx context.Context, before int64) error {
	gone := s.minutesWithIDs(before)
	for minute := range s.listed {
		if minute < before && !slices.Contains(gone, minute) {
			gone = append(gone, minute)
		}
	}
	for _, minute := range gone {
		for chunk := range s.forget(minute) {
			if err := s.store.Delete(ctx, s.idsKey(minute, chunk)); err != nil {
				return err
			}
		}
		delete(s.listed, minute)
	}
	return nil
}

// decoder reads what the functions above wrote; after the first thing that cannot be it yields zeros.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	d.skip(n)
	return v
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	d.skip(n)
	return v
}

func (d *decoder) fixed() uint64 {
	if len(d.b) < 8 {
		d.skip(0)
		return 0
	}
	v := binary.LittleEndian.Uint64(d.b)
	d.skip(8)
	return v
}

// length is the number of entries that follow, of three bytes or more each or of ids.
func (d *decoder) length() uint64 {
	if n := d.uint(); n <= uint64(len(d.b)) {
		return n
	}
	d.bad = true
	return 0
}

func (d *decoder) skip(n int) {
	if n <= 0 {
		d.b, d.bad = nil, true
		return
	}
	d.b = d.b[n:]
}
