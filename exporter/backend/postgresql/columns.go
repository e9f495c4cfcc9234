package postgresql

import (
	"fmt"

	"github.com/otel-sessionlog/sessionlog/session"
)

// column is a column of session_events and what it holds of an event, in both directions. What is absent is NULL: an empty
// text, 0, a list of none.
type column struct {
	name    string
	selects string // the expression that read decodes, with %s for the column; "" where nobody reads it
	write   func(c *copyBatch, e *session.Event)
	read    func(r *row, cell int, e *session.Event)
}

// columns are all columns but content_hash, in the order of session.Fields. Every statement is made from them.
var columns = func() (all []column) {
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
func columnsOf(f *session.Field) []column {
	switch f.Name {
	case "Time":
		return []column{
			{name: f.Column, write: func(c *copyBatch, e *session.Event) { c.time(e.Time) }},
			{
				f.Column + "_ns", asItIs, func(c *copyBatch, e *session.Event) { c.nanos(e.Time) },
				func(r *row, n int, e *session.Event) { e.Time = r.integer(n) },
			},
		}
	case "Observed":
		exact := number[int64](f)
		exact.name += "_ns"
		return []column{{name: f.Column, write: writeObserved}, exact}
	case "User":
		return []column{{f.Column, asItIs, writeUser, readUser}}
	case "Extra":
		return []column{
			{
				f.Column, asItIs, func(c *copyBatch, e *session.Event) { c.json(c.columns.attributes(e.Extra)) },
				func(r *row, n int, e *session.Event) { e.Extra = r.attributes(n, e.Extra[:0]) },
			},
			{
				f.Column + "_exact", asItIs, func(c *copyBatch, e *session.Event) { c.json(c.columns.exactAttributes(e.Extra)) },
				func(r *row, n int, e *session.Event) { e.Extra = r.exactAttributes(n, e.Extra) },
			},
		}
	}
	return []column{columnOf(f)}
}

func columnOf(f *session.Field) column {
	switch f.In(&session.Event{}).(type) {
	case *string:
		return column{
			name: f.Column, selects: asItIs,
			write: func(c *copyBatch, e *session.Event) { c.text(*f.In(e).(*string)) },
			read:  func(r *row, n int, e *session.Event) { *f.In(e).(*string) = r.text(n) },
		}
	case *session.Kind:
		return column{
			name: f.Column, selects: asItIs, write: func(c *copyBatch, e *session.Event) { c.word(e.Kind.String()) },
			read: func(r *row, n int, e *session.Event) { e.Kind = session.ParseKind(r.text(n)) },
		}
	case *session.Outcome:
		return column{
			name: f.Column, selects: asItIs, write: func(c *copyBatch, e *session.Event) { c.word(e.Outcome.String()) },
			read: func(r *row, n int, e *session.Event) { e.Outcome = session.ParseOutcome(r.text(n)) },
		}
	case *int32:
		return column{
			name: f.Column, selects: asItIs,
			write: func(c *copyBatch, e *session.Event) { c.integer(*f.In(e).(*int32)) },
			read:  func(r *row, n int, e *session.Event) { *f.In(e).(*int32) = int32(r.integer(n)) },
		}
	case *int64:
		return number[int64](f)
	case *uint32:
		return number[uint32](f)
	case *session.ID:
		return id(f, asItIs, func(e *session.Event) []byte { return f.In(e).(*session.ID)[:] })
	case *[16]byte:
		return id(f, asHex, func(e *session.Event) []byte { return f.In(e).(*[16]byte)[:] })
	case *[8]byte:
		return id(f, asHex, func(e *session.Event) []byte { return f.In(e).(*[8]byte)[:] })
	case *[]string:
		return column{
			name: f.Column, selects: asJSON,
			write: func(c *copyBatch, e *session.Event) { c.list(*f.In(e).(*[]string)) },
			read: func(r *row, n int, e *session.Event) {
				to := f.In(e).(*[]string)
				*to = r.list(n, (*to)[:0])
			},
		}
	case *[]session.Setting:
		return column{
			name: f.Column, selects: asItIs, write: func(c *copyBatch, e *session.Event) { c.json(c.columns.settings(e.Settings)) },
			read: func(r *row, n int, e *session.Event) { e.Settings = r.settings(n, e.Settings[:0]) },
		}
	}
	panic(fmt.Sprintf("postgresql: field %s has a type without a column", f.Name))
}

func number[T int64 | uint32](f *session.Field) column {
	return column{
		name: f.Column, selects: asItIs,
		write: func(c *copyBatch, e *session.Event) { c.bigint(int64(*f.In(e).(*T))) },
		read:  func(r *row, n int, e *session.Event) { *f.In(e).(*T) = T(r.integer(n)) },
	}
}

// id is a fixed number of bytes; all zero is none.
func id(f *session.Field, selects string, bytes func(*session.Event) []byte) column {
	return column{
		name: f.Column, selects: selects,
		write: func(c *copyBatch, e *session.Event) { c.id(bytes(e)) },
		read:  func(r *row, n int, e *session.Event) { r.id(n, bytes(e)) },
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

func readUser(r *row, n int, e *session.Event) {
	e.User = r.text(n)
	e.UserEmpty = e.User == "" && !r.null(n)
}
