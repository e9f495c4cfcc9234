package postgresql

import (
	"encoding/hex"
	"strconv"
	"unsafe"

	"github.com/otel-sessionlog/sessionlog/session"
)

// storedRow reads the columns of session_events back from a result in text form. The cells are valid until the next row, so
// every text is copied.
type storedRow struct {
	cells [][]byte
	bad   int // 1 + the first cell that cannot be read
}

// decodeEvent fills e, which is reset.
func (r *storedRow) decodeEvent(e *session.Event) error {
	e.Reset()
	r.bad = 0
	for i := range eventColumns {
		if eventColumns[i].read != nil {
			eventColumns[i].read(r, i, e)
		}
	}
	if r.bad > 0 {
		return malformedColumn(eventColumns[r.bad-1].name)
	}
	return nil
}

func (r *storedRow) null(c int) bool { return r.cells[c] == nil }

func (r *storedRow) text(c int) string { return restoreText(string(r.cells[c])) }

// sharedText shares the memory of the cell.
func (r *storedRow) sharedText(c int) string {
	return unsafe.String(unsafe.SliceData(r.cells[c]), len(r.cells[c]))
}

func (r *storedRow) integer(c int) int64 {
	if r.null(c) {
		return 0
	}
	n, err := strconv.ParseInt(r.sharedText(c), 10, 64)
	r.noteMalformed(c, err == nil)
	return n
}

// id leaves zeros where there is none. A UUID and plain hexadecimal digits are both read.
func (r *storedRow) id(c int, id []byte) {
	if r.null(c) {
		return
	}
	if len(id) == 16 {
		if u, ok := session.ParseID(r.sharedText(c)); ok {
			copy(id, u[:])
			return
		}
	}
	n := 0
	if hex.DecodedLen(len(r.cells[c])) == len(id) {
		n, _ = hex.Decode(id, r.cells[c])
	}
	r.noteMalformed(c, n == len(id))
}

func (r *storedRow) list(c int, to []string) []string {
	to, err := readColumns.Strings(r.sharedText(c), to)
	r.noteMalformed(c, err == nil)
	return to
}

func (r *storedRow) settings(c int, to []session.Setting) []session.Setting {
	to, err := readColumns.Settings(r.sharedText(c), to)
	r.noteMalformed(c, err == nil)
	return to
}

func (r *storedRow) attributes(c int, to []session.Attr) []session.Attr {
	to, err := readColumns.Attributes(r.sharedText(c), to)
	r.noteMalformed(c, err == nil)
	return to
}

// noteMalformed remembers a cell that somebody else has written.
func (r *storedRow) noteMalformed(c int, ok bool) {
	if !ok && r.bad == 0 {
		r.bad = c + 1
	}
}
