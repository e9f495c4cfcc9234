package postgresql

import (
	"fmt"

	"github.com/otel-sessionlog/sessionlog/session"
)

// eventColumn is a column of session_events and what it holds of an event, in both directions. What is absent is NULL: an empty
// text, 0, a list of none.
type eventColumn struct {
	name    string
	selects string // the expression that read decodes, with %s for the column; "" where nobody reads it
	write   func(c *copyBatch, e *session.Event)
	read    func(r *storedRow, cell int, e *session.Event)
}

// eventColumns are all columns but content_hash, in the order of session.Fields. Every statement is made from them.
var eventColumns = func() (all []eventColumn) {
	for i := range session.Fields {
		all = append(all, columnsOf(&session.Fields[i])...)
	}
	return all
}()

const (
	asItIs = "%s"
	asJSON = "array_to_json(%s)"
	asHex  = "encode(%s, 'hex')"
)

// columnsOf makes the columns of a field by its Go type; a few fields have more to tell than their type says.
func columnsOf(f *session.Field) []eventColumn {
	switch f.Name {
	case "Time":
		return []eventColumn{
			{name: f.Column, write: func(c *copyBatch, e *session.Event) { c.time(e.Time) }},
			{
				f.Column + "_ns", asItIs, func(c *copyBatch, e *session.Event) { c.nanos(e.Time) },
				func(r *storedRow, n int, e *session.Event) { e.Time = r.integer(n) },
			},
		}
	case "Observed":
		exact := numberColumn[int64](f)
		exact.name += "_ns"
		return []eventColumn{{name: f.Column, write: writeObserved}, exact}
	case "User":
		return []eventColumn{{f.Column, asItIs, writeUser, readUser}}
	case "Extra":
		return []eventColumn{
			{
				f.Column, asItIs, func(c *copyBatch, e *session.Event) { c.json(c.columns.attributes(e.Extra)) },
				func(r *storedRow, n int, e *session.Event) { e.Extra = r.attributes(n, e.Extra[:0]) },
			},
			{
				f.Column + "_exact", asItIs, func(c *copyBatch, e *session.Event) { c.json(c.columns.exactAttributes(e.Extra)) },
				func(r *storedRow, n int, e *session.Event) { e.Extra = r.exactAttributes(n, e.Extra) },
			},
		}
	}
	return []eventColumn{columnOf(f)}
}

func columnOf(f *session.Field) eventColumn {
	switch f.In(&session.Event{}).(type) {
	case *string:
		return eventColumn{
			name: f.Column, selects: asItIs,
			write: func(c *copyBatch, e *session.Event) { c.text(*f.In(e).(*string)) },
			read:  func(r *storedRow, n int, e *session.Event) { *f.In(e).(*string) = r.text(n) },
		}
	case *session.Kind:
		return eventColumn{
			name: f.Column, selects: asItIs, write: func(c *copyBatch, e *session.Event) { c.word(e.Kind.String()) },
			read: func(r *storedRow, n int, e *session.Event) { e.Kind = session.ParseKind(r.text(n)) },
		}
	case *session.Outcome:
		return eventColumn{
			name: f.Column, selects: asItIs, write: func(c *copyBatch, e *session.Event) { c.word(e.Outcome.String()) },
			read: func(r *storedRow, n int, e *session.Event) { e.Outcome = session.ParseOutcome(r.text(n)) },
		}
	case *int32:
		return eventColumn{
			name: f.Column, selects: asItIs,
			write: func(c *copyBatch, e *session.Event) { c.integer(*f.In(e).(*int32)) },
			read:  func(r *storedRow, n int, e *session.Event) { *f.In(e).(*int32) = int32(r.integer(n)) },
		}
	case *int64:
		return numberColumn[int64](f)
	case *uint32:
		return numberColumn[uint32](f)
	case *session.ID:
		return idColumn(f, asItIs, func(e *session.Event) []byte { return f.In(e).(*session.ID)[:] })
	case *[16]byte:
		return idColumn(f, asHex, func(e *session.Event) []byte { return f.In(e).(*[16]byte)[:] })
	case *[8]byte:
		return idColumn(f, asHex, func(e *session.Event) []byte { return f.In(e).(*[8]byte)[:] })
	case *[]string:
		return eventColumn{
			name: f.Column, selects: asJSON,
			write: func(c *copyBatch, e *session.Event) { c.list(*f.In(e).(*[]string)) },
			read: func(r *storedRow, n int, e *session.Event) {
				to := f.In(e).(*[]string)
				*to = r.list(n, (*to)[:0])
			},
		}
	case *[]session.Setting:
		return eventColumn{
			name: f.Column, selects: asItIs, write: func(c *copyBatch, e *session.Event) { c.json(c.columns.settings(e.Settings)) },
			read: func(r *storedRow, n int, e *session.Event) { e.Settings = r.settings(n, e.Settings[:0]) },
		}
	}
	panic(fmt.Sprintf("postgresql: field %s has a type without a column", f.Name))
}

func numberColumn[T int64 | uint32](f *session.Field) eventColumn {
	return eventColumn{
		name: f.Column, selects: asItIs,
		write: func(c *copyBatch, e *session.Event) { c.bigint(int64(*f.In(e).(*T))) },
		read:  func(r *storedRow, n int, e *session.Event) { *f.In(e).(*T) = T(r.integer(n)) },
	}
}

// idColumn is a fixed number of bytes; all zero is none.
func idColumn(f *session.Field, selects string, bytes func(*session.Event) []byte) eventColumn {
	return eventColumn{
		name: f.Column, selects: selects,
		write: func(c *copyBatch, e *session.Event) { c.id(bytes(e)) },
		read:  func(r *storedRow, n int, e *session.Event) { r.id(n, bytes(e)) },
	}
}

func writeObserved(c *copyBatch, e *session.Event) {
	if e.Observed == 0 {
		c.null()
		return
	}
	c.time(e.Observed)
}

// writeUser tells an empty name from none: ClickHouse has both.
func writeUser(c *copyBatch, e *session.Event) {
	if e.UserEmpty && e.User == "" {
		c.word("")
		return
	}
	c.text(e.User)
}

func readUser(r *storedRow, n int, e *session.Event) {
	e.User = r.text(n)
	e.UserEmpty = e.User == "" && !r.null(n)
}
