package poll

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
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

type storedCursor struct {
	Version       int
	Start, Cursor int64
	Complete      bool
	IDMinutes     []int64 // of which ids are stored, to find them again
}

func (p *readProgress) encodeCursor() []byte {
	return encodeValue(storedCursor{storeVersion, p.start, p.cursor, p.complete, slices.Collect(maps.Keys(p.ids))})
}

func (p *readProgress) encodeDays() []byte { return encodeValue(p.days) }

func (p *readProgress) encodeMinutes(day int64) []byte {
	d := p.days[day]
	if d == nil || d.Compacted {
		return nil
	}
	return encodeValue(d.minutes)
}

func encodeValue(v any) []byte {
	var b bytes.Buffer
	_ = gob.NewEncoder(&b).Encode(v) // of these types it cannot fail
	return b.Bytes()
}

func loadValue(ctx context.Context, store source.Store, key string, v any) (found bool, err error) {
	value, err := store.Get(ctx, key)
	if err != nil || value == nil {
		return false, err
	}
	if gob.NewDecoder(bytes.NewReader(value)).Decode(v) != nil {
		return false, errUnreadable
	}
	return true, nil
}

func loadProgress(ctx context.Context, store source.Store, keys storeKeys) (p *readProgress, found bool, err error) {
	p = &readProgress{deliveryLog: newDeliveryLog(), keys: keys, start: AllTimes.From}
	var c storedCursor
	if found, err = loadValue(ctx, store, keys.cursorKey(), &c); err != nil || !found {
		return p, false, err
	}
	if c.Version != storeVersion {
		return nil, false, errUnreadable
	}
	p.start, p.cursor, p.complete = c.Start, c.Cursor, c.Complete
	for _, minute := range c.IDMinutes {
		if err := p.loadIDs(ctx, store, minute); err != nil {
			return nil, false, err
		}
	}
	return p, true, p.loadDays(ctx, store)
}

func (p *readProgress) loadDays(ctx context.Context, store source.Store) error {
	if _, err := loadValue(ctx, store, p.keys.daysKey(), &p.days); err != nil {
		return err
	}
	for start, day := range p.days {
		day.minutes = map[int64]Tally{}
		if day.Compacted {
			continue
		}
		if _, err := loadValue(ctx, store, p.keys.minutesKey(start), &day.minutes); err != nil {
			return err
		}
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
