package poll

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// storeKeys begins all keys of one table, so that a changed one starts anew and going back resumes.
type storeKeys string

func newStoreKeys(identity []string) storeKeys {
	h := fnv.New64a()
	for _, part := range identity {
		_, _ = h.Write(append(binary.AppendUvarint(nil, uint64(len(part))), part...))
	}
	return storeKeys(fmt.Sprintf("poll/%016x/", h.Sum64()))
}

func (k storeKeys) cursorKey() string { return string(k) + "cursor" }

func (k storeKeys) daysKey() string { return string(k) + "days" }

func (k storeKeys) minutesKey(day int64) string {
	return string(k) + "minutes/" + strconv.FormatInt(day/DayMicros, 10)
}

func (k storeKeys) idChunk(minute int64, chunk int) string {
	return string(k) + "ids/" + strconv.FormatInt(minute/MinuteMicros, 10) + "/" + strconv.Itoa(chunk)
}

const storeVersion = 1

var errUnreadable = errors.New("the stored cursor cannot be read; was it written by a newer version? remove it from the storage extension to start anew")

// encodeCursor also lists the minutes of which ids are stored, to find them again.
func (p *readProgress) encodeCursor() []byte {
	b := binary.AppendUvarint(nil, storeVersion)
	b = binary.AppendVarint(b, p.start)
	b = binary.AppendVarint(b, p.cursor)
	b = appendFlag(b, p.complete)
	b = binary.AppendUvarint(b, uint64(len(p.ids)))
	for minute := range p.ids {
		b = binary.AppendVarint(b, minute/MinuteMicros)
	}
	return b
}

func (p *readProgress) encodeDays() []byte {
	b := binary.AppendUvarint(nil, uint64(len(p.days)))
	for start, d := range p.days {
		b = binary.AppendVarint(b, start/DayMicros)
		b = appendFlag(b, d.compacted)
		b = appendTally(b, d.total)
	}
	return b
}

func (p *readProgress) encodeMinutes(day int64) []byte {
	d := p.days[day]
	if d == nil || d.compacted {
		return nil
	}
	b := binary.AppendUvarint(nil, uint64(len(d.minutes)))
	for minute, t := range d.minutes {
		b = binary.AppendVarint(b, (minute-day)/MinuteMicros)
		b = appendTally(b, t)
	}
	return b
}

func appendFlag(b []byte, set bool) []byte {
	if set {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendTally(b []byte, t Tally) []byte {
	return binary.LittleEndian.AppendUint64(binary.AppendUvarint(b, t.Count), t.Hash)
}

func loadProgress(ctx context.Context, store source.Store, keys storeKeys) (p *readProgress, found bool, err error) {
	p = &readProgress{deliveryLog: newDeliveryLog(), keys: keys, start: AllTimes.From}
	value, err := store.Get(ctx, keys.cursorKey())
	if err != nil || value == nil {
		return p, false, err
	}
	d := progressDecoder{b: value}
	if d.readUint() != storeVersion {
		return nil, false, errUnreadable
	}
	p.start, p.cursor, p.complete = d.readInt(), d.readInt(), d.readBool()
	var listed []int64
	for range d.readLength() {
		listed = append(listed, d.readInt()*MinuteMicros)
	}
	if d.bad {
		return nil, false, errUnreadable
	}
	for _, minute := range listed {
		if err := p.loadIDs(ctx, store, minute); err != nil {
			return nil, false, err
		}
	}
	return p, true, p.loadDays(ctx, store)
}

func (p *readProgress) loadDays(ctx context.Context, store source.Store) error {
	value, err := store.Get(ctx, p.keys.daysKey())
	if err != nil || value == nil {
		return err
	}
	d := progressDecoder{b: value}
	for range d.readLength() {
		start := d.readInt() * DayMicros
		p.days[start] = &deliveredDay{compacted: d.readBool(), total: d.readTally(), minutes: map[int64]Tally{}}
	}
	if d.bad {
		return errUnreadable
	}
	for start, day := range p.days {
		if day.compacted {
			continue
		}
		if err := p.loadMinutes(ctx, store, start, day.minutes); err != nil {
			return err
		}
	}
	return nil
}

func (p *readProgress) loadMinutes(ctx context.Context, store source.Store, day int64, minutes map[int64]Tally) error {
	value, err := store.Get(ctx, p.keys.minutesKey(day))
	if err != nil || value == nil {
		return err
	}
	d := progressDecoder{b: value}
	for range d.readLength() {
		minute := day + d.readInt()*MinuteMicros
		minutes[minute] = d.readTally()
	}
	if d.bad {
		return errUnreadable
	}
	return nil
}

func (p *readProgress) loadIDs(ctx context.Context, store source.Store, minute int64) error {
	for chunk := 0; ; chunk++ {
		value, err := store.Get(ctx, p.keys.idChunk(minute, chunk))
		if err != nil || value == nil {
			return err
		}
		ids := make([]uint64, 0, len(value)/8)
		for ; len(value) >= 8; value = value[8:] {
			ids = append(ids, binary.LittleEndian.Uint64(value))
		}
		p.addMinuteIDs(minute, ids)
	}
}

// progressDecoder reads what the functions above wrote; after the first thing that cannot be it yields zeros.
type progressDecoder struct {
	b   []byte
	bad bool
}

func (d *progressDecoder) readInt() int64 {
	v, n := binary.Varint(d.b)
	d.skipBytes(n)
	return v
}

func (d *progressDecoder) readUint() uint64 {
	v, n := binary.Uvarint(d.b)
	d.skipBytes(n)
	return v
}

func (d *progressDecoder) readBool() bool { return d.readUint() == 1 }

func (d *progressDecoder) readTally() Tally {
	t := Tally{Count: d.readUint()}
	if len(d.b) < 8 {
		d.skipBytes(0)
		return t
	}
	t.Hash = binary.LittleEndian.Uint64(d.b)
	d.skipBytes(8)
	return t
}

// readLength is the number of entries that follow, of a byte or more each.
func (d *progressDecoder) readLength() uint64 {
	if n := d.readUint(); n <= uint64(len(d.b)) {
		return n
	}
	d.bad = true
	return 0
}

func (d *progressDecoder) skipBytes(n int) {
	if n <= 0 {
		d.b, d.bad = nil, true
		return
	}
	d.b = d.b[n:]
}
