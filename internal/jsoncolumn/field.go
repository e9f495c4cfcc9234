package jsoncolumn

import (
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/otel-sessionlog/sessionlog/session"
)

// FieldReader sets a part of an event from a cell of session_events, which is given as a text; that of NULL is empty.
type FieldReader func(e *session.Event, cell string, isNull bool) error

// Field reads the column of a field: words, decimal numbers, ids as UUIDs or hexadecimal digits, JSON as [Writer] writes it.
func (r Reader) Field(f *session.Field) FieldReader {
	return func(e *session.Event, cell string, isNull bool) (err error) {
		switch to := f.In(e).(type) {
		case *string:
			*to = r.originalText(cell)
			if to == &e.User {
				e.UserEmpty = cell == "" && !isNull
			}
		case *session.Kind:
			*to = session.ParseKind(cell)
		case *session.Outcome:
			*to = session.ParseOutcome(cell)
		case *int32:
			return readNumberCell(to, cell)
		case *uint32:
			return readNumberCell(to, cell)
		case *int64:
			return readNumberCell(to, cell)
		case *session.ID:
			return readIDCell(to[:], cell)
		case *[16]byte:
			return readIDCell(to[:], cell)
		case *[8]byte:
			return readIDCell(to[:], cell)
		case *[]string:
			*to, err = r.Strings(cell, (*to)[:0])
		case *[]session.Setting:
			*to, err = r.Settings(cell, (*to)[:0])
		case *[]session.Attr:
			*to, err = r.Attributes(cell, (*to)[:0])
		default:
			panic(fmt.Sprintf("jsoncolumn: field %s has a type that no cell is read into", f.Name))
		}
		return err
	}
}

// ReadTypeLetters reads the column of [TypeLetter]s, after that of the attributes.
func ReadTypeLetters(e *session.Event, cell string, _ bool) error {
	ApplyTypeLetters(e.Extra, cell)
	return nil
}

func readNumberCell[T int32 | uint32 | int64](to *T, cell string) error {
	if cell == "" {
		*to = 0
		return nil
	}
	n, err := strconv.ParseInt(cell, 10, 64)
	*to = T(n)
	return err
}

// readIDCell leaves zeros where there is none.
func readIDCell(to []byte, cell string) error {
	if id, ok := session.ParseID(cell); ok && len(to) == len(id) {
		copy(to, id[:])
		return nil
	}
	digits, err := hex.DecodeString(cell)
	if err != nil || len(digits) != len(to) && cell != "" {
		return errMalformed
	}
	copy(to, digits)
	return nil
}

// MalformedColumn is the error for a cell that somebody else has written.
func MalformedColumn(name string) error {
	return fmt.Errorf("column %s of session_events does not hold what this program writes: somebody else has changed it", name)
}
