package sqlite

import (
	"unicode/utf8"
	"unsafe"

	"zombiezen.com/go/sqlite"

	"github.com/otel-sessionlog/sessionlog/internal/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

// maxRecord is the most that one record may take, in bytes; SQLite itself ends at 10^9.
const maxRecord = 64 << 20

// maxRemembered is the longest text that a binder keeps to compare the next row's with.
const maxRemembered = 256

// rowBinder puts events into the parameters of a prepared statement. SQLite keeps what is bound from row to row, so a value
// that equals the row before is not bound again: half of a login's columns repeat.
type rowBinder struct {
	stmt *sqlite.Stmt
	last []boundValue
	size int

	columns jsoncolumn.Writer
	letters []byte // of the attributes' types
}

const (
	hashParam        = 1
	firstColumnParam = 2
)

type boundValue struct {
	state boundState
	text  string
}

type boundState uint8

const (
	boundOther boundState = iota // a value that is always bound again
	boundNull
	boundText
)

// newRowBinder begins with every parameter NULL, as a fresh statement has them.
func newRowBinder(stmt *sqlite.Stmt) *rowBinder {
	b := &rowBinder{stmt: stmt, last: make([]boundValue, firstColumnParam+len(eventColumns))}
	for i := range b.last {
		b.last[i].state = boundNull
	}
	return b
}

func (b *rowBinder) bindEvent(e *session.Event, hash [16]byte) bool {
	b.size = 0
	b.stmt.BindBytes(hashParam, hash[:])
	for i := range eventColumns {
		eventColumns[i].bind(b, firstColumnParam+i, e)
	}
	return b.size <= maxRecord
}

func (b *rowBinder) bindArrival(n int64) { b.stmt.BindInt64(firstColumnParam+len(eventColumns), n) }

func (b *rowBinder) bindTextOrNull(p int, s string) {
	if s == "" {
		b.bindNull(p)
		return
	}
	b.bindPresentText(p, s)
}

func (b *rowBinder) bindPresentText(p int, s string) {
	l := &b.last[p]
	if l.state == boundText && l.text == s {
		b.size += len(s)
		return
	}
	if !b.bindBytes(p, s) {
		return
	}
	if len(s) <= maxRemembered {
		*l = boundValue{boundText, s}
	}
}

func (b *rowBinder) bindJSONOrNull(p int, buf []byte) {
	if len(buf) == 0 {
		b.bindNull(p)
		return
	}
	// The driver copies the bytes before it returns.
	b.bindBytes(p, unsafe.String(unsafe.SliceData(buf), len(buf)))
}

// bindBytes binds text that is not valid UTF-8 as a BLOB: a client that decodes text would fail on the whole result.
func (b *rowBinder) bindBytes(p int, s string) bool {
	b.last[p] = boundValue{}
	if b.size += len(s); b.size > maxRecord {
		return false // the row is not going to be inserted
	}
	if utf8.ValidString(s) {
		b.stmt.BindText(p, s)
	} else {
		b.stmt.BindBytes(p, unsafe.Slice(unsafe.StringData(s), len(s)))
	}
	return true
}

func (b *rowBinder) bindNumberOrNull(p int, n int64) {
	if n == 0 {
		b.bindNull(p)
		return
	}
	b.bindInteger(p, n)
}

func (b *rowBinder) bindInteger(p int, n int64) {
	b.last[p] = boundValue{}
	b.stmt.BindInt64(p, n)
}

func (b *rowBinder) bindIDOrNull(p int, id []byte) {
	for _, c := range id {
		if c != 0 {
			b.last[p] = boundValue{}
			b.stmt.BindBytes(p, id)
			return
		}
	}
	b.bindNull(p)
}

func (b *rowBinder) bindNull(p int) {
	if l := &b.last[p]; l.state != boundNull {
		*l = boundValue{state: boundNull}
		b.stmt.BindNull(p)
	}
}
