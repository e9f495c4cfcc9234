package postgresql

import (
	"encoding/hex"
	"strconv"
	"unsafe"

	"github.com/otel-sessionlog/sessionlog/session"
)

// row reads the columns of session_events back from a result in text form. The cells are valid until the next row, so
// every text is copied.
type row struct {
	cells [][]byte
	bad   int // 1 + the first cell that cannot be read
}

// event fills e, which is reset.
func (r *row) event(e *session.Event) error {
	e.Reset()
	r.bad = 0
	for i := range columns {
		if columns[i].read != nil {
			columns[i].read(r, i, e)
		}
	}
	if r.bad > 0 {
		return malformed(columns[r.bad-1].name)
	}
	return nil
}

func (r *row) null(c int) bool { return r.cells[c] == nil }

func (r *row) text(c int) string { return original(string(r.cells[c])) }

// peek shares the memory of the cell.
func (r *row) peek(c int) string { return unsafe.String(unsafe.SliceData(r.cells[c]), len(r.cells[c])) }

func (r *row) integer(c int) int64 {
	if r.null(c) {
		return 0
	}
	n, err := strconv.ParseInt(r.peek(c), 10, 64)
	r.check(c, err == nil)
	return n
}

// id leaves zeros where there is none. A UUID and plain hexadecimal digits are both read.
func (r *row) id(c int, id []byte) {
	if r.null(c) {
		return
	}
	if len(id) == 16 {
		if u, ok := session.ParseID(r.peek(c)); ok {
			copy(id, u[:])
			return
		}
	}
	n := 0
	if hex.DecodedLen(len(r.cells[c])) == len(id) {
		n, _ = hex.Decode(id, r.cells[c])
	}
	r.check(c, n == len(id))
}

func (r *row) list(c int, to []string) []string {
	to, err := readColumns.Strings(r.peek(c), to)
	r.check(c, err == nil)
	return to
}

func (r *row) settings(c int, to []session.Setting) []session.Setting {
	to, err := readColumns.Settings(r.peek(c), to)
	r.check(c, err == nil)
	return to
}

func (r *row) attributes(c int, to []session.Attr) []session.Attr {
	to, err := readColumns.Attributes(r.peek(c), to)
	r.check(c, err == nil)
	return to
}

// check remembers a cell that somebody else has written.
func (r *row) check(c int, ok bool) {
	if !ok && r.bad == 0 {
		r.bad = c + 1
	}
}
