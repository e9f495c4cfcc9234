package redshift

import (
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

// blockRows is how many rows are handed on at once, unless one time has more.
const blockRows = 512

// block is a block of rows, sorted. It implements [poll.Rows].
type block struct {
	mapper          *redshiftlog.Mapper
	excludeInternal bool
	hashing         bool // the server reckons as we do

	rows  []redshiftlog.Row // the first n are filled
	n     int
	texts texts
	clock clock
	ties  ties
	spare session.Event
}

func newBlock(mapper *redshiftlog.Mapper, excludeInternal bool) *block {
	return &block{mapper: mapper, excludeInternal: excludeInternal}
}

// begin forgets all rows; they will come anew.
func (b *block) begin() {
	b.n = 0
	b.mapper.Restart()
}

// add takes a row of the server's. Its cells are in the layout's order.
func (b *block) add(cells []cell, values [][]byte) error {
	if b.n == len(b.rows) {
		b.rows = append(b.rows, redshiftlog.Row{})
	}
	r := &b.rows[b.n]
	*r = redshiftlog.Row{Extra: r.Extra[:0]}
	for i := range cells {
		if err := b.fill(r, &cells[i], i, values[i]); err != nil {
			return err
		}
	}
	b.n++
	return nil
}

// fill puts a cell into its place. Blanks at the end are padding.
func (b *block) fill(r *redshiftlog.Row, c *cell, column int, value []byte) (err error) {
	if value = unpadded(value); len(value) == 0 {
		return nil
	}
	switch {
	case c.column == nil:
		r.Extra = append(r.Extra, session.Attr{Key: c.key, Value: b.texts.common(column, value)})
	case c.kind == instant:
		*c.number(r), err = b.clock.read(value)
	case c.kind == integer:
		*c.number(r), err = number(value)
	case c.kind == unique:
		*c.text(r) = b.texts.unique(value)
	default:
		*c.text(r) = b.texts.common(column, value)
	}
	return err
}

// blanks are compared with eight at a time: most of what is sent is padding.
const blanks = 0x2020202020202020

func unpadded(b []byte) []byte {
	for len(b) >= 8 && binary.LittleEndian.Uint64(b[len(b)-8:]) == blanks {
		b = b[:len(b)-8]
	}
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}

func number(b []byte) (int64, error) {
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return 0, errNumber
	}
	return n, nil
}

// full tells whether the block can be handed on before a row of this time: rows of one time stay together.
func (b *block) full(next int64) bool { return b.n >= blockRows && b.rows[b.n-1].Micros != next }

// sort puts rows of one time into an order that does not depend on how they were read, for ids count rows that look alike.
func (b *block) sort() {
	for from := 0; from < b.n; {
		to := from + 1
		for to < b.n && b.rows[to].Micros == b.rows[from].Micros {
			to++
		}
		if to-from > 1 {
			b.ties = b.rows[from:to]
			sort.Sort(&b.ties)
		}
		from = to
	}
}

// ties are rows of one time. Columns without a place of their own do not count in their order: another table may lack them.
type ties []redshiftlog.Row

func (t *ties) Len() int      { return len(*t) }
func (t *ties) Swap(i, j int) { (*t)[i], (*t)[j] = (*t)[j], (*t)[i] }

func (t *ties) Less(i, j int) bool {
	a, b := &(*t)[i], &(*t)[j]
	for i := range columns {
		c := &columns[i]
		var order int
		if c.number != nil {
			order = cmp.Compare(*c.number(a), *c.number(b))
		} else {
			order = strings.Compare(*c.text(a), *c.text(b))
		}
		if order != 0 {
			return order < 0
		}
	}
	return false
}

// skip drops the first rows, which lie before what was asked for but in the same millisecond: ids count from its start.
func (b *block) skip(before int64) {
	n := 0
	for n < b.n && b.rows[n].Micros < before {
		b.mapper.Event(&b.rows[n], &b.spare)
		n++
	}
	if n > 0 {
		b.rows = slices.Concat(b.rows[n:], b.rows[:n])
		b.n -= n
	}
}

// Len implements [poll.Rows].
func (b *block) Len() int { return b.n }

// Micros implements [poll.Rows].
func (b *block) Micros(i int) int64 { return b.rows[i].Micros }

// Hash implements [poll.Rows].
func (b *block) Hash(i int) uint64 {
	if !b.hashing {
		return 0
	}
	r := &b.rows[i]
	return rowHash(r.PID, r.Duration)
}

// Event implements [poll.Rows]. Rows that are left out are mapped all the same: ids count them.
func (b *block) Event(i int, e *session.Event) poll.Verdict {
	r := &b.rows[i]
	b.mapper.Event(r, e)
	if b.excludeInternal && r.Internal() {
		return poll.Exclude
	}
	return poll.Deliver
}

// Complain implements [poll.Rows]. No row is bad: the server has typed them.
func (b *block) Complain(int) (place string, reason error) { return "", nil }
