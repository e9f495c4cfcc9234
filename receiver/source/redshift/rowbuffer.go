package redshift

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/redshiftlog"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/session"
)

// bufferRows is how many rows are delivered together. More are where they have the same time.
const bufferRows = 512

// rowBuffer implements [poll.Rows]: rows in the order of time.
type rowBuffer struct {
	mapper            *redshiftlog.Mapper
	excludeInternal   bool
	serverHashesMatch bool // the server calculates the same hashes as we do

	rows         []redshiftlog.Row // the first n are filled
	filled       int
	texts        textCache
	skippedEvent session.Event
}

func newRowBuffer(mapper *redshiftlog.Mapper, excludeInternal bool) *rowBuffer {
	return &rowBuffer{mapper: mapper, excludeInternal: excludeInternal, texts: textCache{}}
}

func (b *rowBuffer) resetRows() {
	b.filled = 0
	b.mapper.Restart()
}

// appendRow adds the row of this time, which is its first cell.
func (b *rowBuffer) appendRow(at int64, cells []layoutColumn, values [][]byte) error {
	if b.filled == len(b.rows) {
		b.rows = append(b.rows, redshiftlog.Row{})
	}
	r := &b.rows[b.filled]
	*r = redshiftlog.Row{Micros: at, Extra: r.Extra[:0]}
	for i := 1; i < len(cells); i++ {
		if err := b.setCell(r, &cells[i], values[i]); err != nil {
			return err
		}
	}
	b.filled++
	return nil
}

func (b *rowBuffer) setCell(r *redshiftlog.Row, c *layoutColumn, value []byte) (err error) {
	if value = trimPadding(value); len(value) == 0 {
		return nil
	}
	switch {
	case c.logColumn == nil:
		r.Extra = append(r.Extra, session.Attr{Key: c.attributeKey, Value: b.texts.intern(value)})
	case c.kind == integerNumber:
		*c.number(r), err = parseNumber(value)
	case c.kind == uniqueText:
		*c.text(r) = string(value)
	default:
		*c.text(r) = b.texts.intern(value)
	}
	return err
}

// eightBlanks compares eight bytes at a time: most of what the server sends is padding.
const eightBlanks = 0x2020202020202020

func trimPadding(b []byte) []byte {
	for len(b) >= 8 && binary.LittleEndian.Uint64(b[len(b)-8:]) == eightBlanks {
		b = b[:len(b)-8]
	}
	return bytes.TrimRight(b, " ")
}

func parseNumber(b []byte) (int64, error) {
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return 0, errNumber
	}
	return n, nil
}

func (b *rowBuffer) hasReachedLimit(next int64) bool {
	return b.filled >= bufferRows && b.rows[b.filled-1].Micros != next
}

func (b *rowBuffer) sortTies() {
	for from := 0; from < b.filled; {
		to := from + 1
		for to < b.filled && b.rows[to].Micros == b.rows[from].Micros {
			to++
		}
		if ties := b.rows[from:to]; len(ties) > 1 { // ids number rows that are equal, however they were read
			sort.Slice(ties, func(i, j int) bool { return compareTiedRows(&ties[i], &ties[j]) < 0 })
		}
		from = to
	}
}

// compareTiedRows compares rows of one time. Extra columns have no part in their order: another table may lack them.
func compareTiedRows(a, b *redshiftlog.Row) int {
	for i := range logColumns {
		var order int
		if c := &logColumns[i]; c.number != nil {
			order = cmp.Compare(*c.number(a), *c.number(b))
		} else {
			order = strings.Compare(*c.text(a), *c.text(b))
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

func (b *rowBuffer) skipBefore(before int64) {
	n := 0
	for n < b.filled && b.rows[n].Micros < before {
		// Mapped, since ids are numbered from the start of the millisecond.
		b.mapper.Event(&b.rows[n], &b.skippedEvent)
		n++
	}
	if n > 0 {
		b.rows = slices.Concat(b.rows[n:], b.rows[:n])
		b.filled -= n
	}
}

func (b *rowBuffer) Len() int { return b.filled }

func (b *rowBuffer) Micros(i int) int64 { return b.rows[i].Micros }

func (b *rowBuffer) Hash(i int) uint64 {
	if !b.serverHashesMatch {
		return 0
	}
	r := &b.rows[i]
	return rowHash(r.PID, r.Duration)
}

// Event implements [poll.Rows]. Excluded rows are mapped too: they count in the numbering of ids.
func (b *rowBuffer) Event(i int, e *session.Event) poll.Verdict {
	r := &b.rows[i]
	b.mapper.Event(r, e)
	if b.excludeInternal && r.IsInternal() {
		return poll.VerdictExclude
	}
	return poll.VerdictDeliver
}

// DescribeBad implements [poll.Rows]. No row is bad: the server's columns have types.
func (b *rowBuffer) DescribeBad(int) (place string, reason error) { return "", nil }
