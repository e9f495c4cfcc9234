package poll

import "encoding/binary"

// readProgress is what outlives the process: the delivery log, and how far the polls have come. Values of one save may be cut apart by
// a kill: whatever is missing makes rows be delivered again, and nothing that is there lets a row be passed over that was not
// delivered.
type readProgress struct {
	*deliveryLog

	keys     storeKeys
	start    int64 // rows before it are not wanted
	cursor   int64 // polls are through up to here
	complete bool  // the first full scan is done
}

type logEntry struct {
	kind  entryKind
	start int64 // of the minute or day; a time
	Tally
}

type entryKind uint8

const (
	minuteDelivered entryKind = iota // a minute has this tally
	dayFinished                      // a day's minutes are to be compacted into their sum
	dayReplaced                      // a compacted day has this tally
	idsExpired                       // ids before this time are not needed any more
	pollFinished                     // everything before this time was delivered
)

// deliveredRow is a row of a recent minute, to be known again.
type deliveredRow struct {
	minute int64
	id     uint64
}

func (p *readProgress) commitRows(rows []deliveredRow, changes map[string][]byte) {
	listed := len(p.ids)
	for len(rows) > 0 {
		minute := rows[0].minute
		var added []uint64
		for len(rows) > 0 && rows[0].minute == minute {
			added, rows = append(added, rows[0].id), rows[1:]
		}
		value := make([]byte, 0, 8*len(added))
		for _, id := range added {
			value = binary.LittleEndian.AppendUint64(value, id)
		}
		changes[p.keys.idChunk(minute, p.addMinuteIDs(minute, added))] = value
	}
	if len(p.ids) != listed {
		changes[p.keys.cursorKey()] = p.encodeCursor()
	}
}

func (p *readProgress) commitEntries(entries []logEntry, changes map[string][]byte) {
	changedDays, otherDays := map[int64]bool{}, false
	for _, e := range entries {
		day := floorToWidth(e.start, DayMicros)
		switch e.kind {
		case minuteDelivered:
			otherDays = p.recordMinute(e.start, e.Tally) || otherDays
			changedDays[day] = true
		case dayFinished:
			p.compactDay(day, p.dayTally(day))
			changedDays[day], otherDays = true, true
		case dayReplaced:
			p.compactDay(day, e.Tally)
			changedDays[day], otherDays = true, true
		case idsExpired:
			for minute, chunks := range p.dropIDs(e.start) {
				for chunk := range chunks {
					changes[p.keys.idChunk(minute, chunk)] = nil
				}
			}
		case pollFinished:
			p.complete, p.cursor = true, e.start
			changes[p.keys.cursorKey()] = p.encodeCursor()
		}
	}
	if otherDays {
		changes[p.keys.daysKey()] = p.encodeDays()
	}
	for day := range changedDays {
		changes[p.keys.minutesKey(day)] = p.encodeMinutes(day)
	}
}
