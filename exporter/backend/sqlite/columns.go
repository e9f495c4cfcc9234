package sqlite

import (
	"fmt"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

// column is a column of session_events and what it holds of an event, in both directions.
type column struct {
	name string
	bind func(b *binder, param int, e *session.Event)
	scan func(r *row, col int, e *session.Event)
}

// columns are all columns but arrival, in the order of session.Fields. INSERT and SELECT are made from them.
var columns = func() (all []column) {
	for i := range session.Fields {
		all = append(all, columnsOf(&session.Fields[i])...)
	}
	return all
}()

// columnsOf makes the columns of a field by its Go type; a few fields have more to tell than their type says.
func columnsOf(f *session.Field) []column {
	switch f.Name {
	case "Time": // never absent
		return []column{{
			f.Column, func(b *binder, p int, e *session.Event) { b.integer(p, e.Time) },
			func(r *row, c int, e *session.Event) { e.Time = r.integer(c) },
		}}
	case "User":
		return []column{{f.Column, bindUser, scanUser}}
	case "Extra":
		return []column{
			{
				f.Column, func(b *binder, p int, e *session.Event) {
					b.json(p, b.columns.Attributes(e.Extra, jsoncolumn.IsNative))
				},
				func(r *row, c int, e *session.Event) { e.Extra = r.attributes(c, e.Extra[:0]) },
			},
			{
				"attribute_types", func(b *binder, p int, e *session.Event) { b.json(p, b.attributeTypes(e.Extra)) },
				func(r *row, c int, e *session.Event) { jsoncolumn.ApplyTypeLetters(e.Extra, r.text(c)) },
			},
		}
	}
	return []column{columnOf(f)}
}

func columnOf(f *session.Field) column {
	switch f.In(&session.Event{}).(type) {
	case *string:
		return column{
			f.Column, func(b *binder, p int, e *session.Event) { b.text(p, *f.In(e).(*string)) },
			func(r *row, c int, e *session.Event) { *f.In(e).(*string) = r.text(c) },
		}
	case *session.Kind:
		return column{
			f.Column, func(b *binder, p int, e *session.Event) { b.word(p, e.Kind.String()) },
			func(r *row, c int, e *session.Event) { e.Kind = session.ParseKind(r.text(c)) },
		}
	case *session.Outcome:
		return column{
			f.Column, func(b *binder, p int, e *session.Event) { b.word(p, e.Outcome.String()) },
			func(r *row, c int, e *session.Event) { e.Outcome = session.ParseOutcome(r.text(c)) },
		}
	case *int32:
		return number[int32](f)
	case *int64:
		return number[int64](f)
	case *uint32:
		return number[uint32](f)
	case *session.ID:
		return id(f, func(e *session.Event) []byte { return f.In(e).(*session.ID)[:] })
	case *[16]byte:
		return id(f, func(e *session.Event) []byte { return f.In(e).(*[16]byte)[:] })
	case *[8]byte:
		return id(f, func(e *session.Event) []byte { return f.In(e).(*[8]byte)[:] })
	case *[]string:
		return column{
			f.Column, func(b *binder, p int, e *session.Event) { b.json(p, b.columns.Strings(*f.In(e).(*[]string))) },
			func(r *row, c int, e *session.Event) {
				to := f.In(e).(*[]string)
				*to = r.list(c, (*to)[:0])
			},
		}
	case *[]session.Setting:
		return column{
			f.Column, func(b *binder, p int, e *session.Event) { b.json(p, b.columns.Settings(e.Settings)) },
			func(r *row, c int, e *session.Event) { e.Settings = r.settings(c, e.Settings[:0]) },
		}
	}
	panic(fmt.Sprintf("sqlite: field %s has a type without a column", f.Name))
}

func number[T int32 | int64 | uint32](f *session.Field) column {
	return column{
		f.Column, func(b *binder, p int, e *session.Event) { b.number(p, int64(*f.In(e).(*T))) },
		func(r *row, c int, e *session.Event) { *f.In(e).(*T) = T(r.integer(c)) },
	}
}

// id is a fixed number of bytes; all zero is none.
func id(f *session.Field, bytes func(*session.Event) []byte) column {
	return column{
		f.Column, func(b *binder, p int, e *session.Event) { b.id(p, bytes(e)) },
		func(r *row, c int, e *session.Event) { r.id(c, bytes(e)) },
	}
}

// bindUser tells an empty name from none: ClickHouse has both.
func bindUser(b *binder, p int, e *session.Event) {
	if e.UserEmpty && e.User == "" {
		b.word(p, "")
		return
	}
	b.text(p, e.User)
}

func scanUser(r *row, c int, e *session.Event) {
	e.User = r.text(c)
	e.UserEmpty = e.User == "" && !r.null(c)
}
