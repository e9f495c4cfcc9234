package sqlite

import (
	"fmt"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

// eventColumn is a column of session_events and what it holds of an event, in both directions.
type eventColumn struct {
	name string
	bind func(b *rowBinder, param int, e *session.Event)
	scan func(r *storedRow, col int, e *session.Event)
}

// eventColumns are all columns but arrival, in the order of session.Fields. INSERT and SELECT are made from them.
var eventColumns = func() (all []eventColumn) {
	for i := range session.Fields {
		all = append(all, columnsOf(&session.Fields[i])...)
	}
	return all
}()

// columnsOf makes the columns of a field by its Go type; a few fields have more to tell than their type says.
func columnsOf(f *session.Field) []eventColumn {
	switch f.Name {
	case "Time": // never absent
		return []eventColumn{{
			f.Column, func(b *rowBinder, p int, e *session.Event) { b.bindInteger(p, e.Time) },
			func(r *storedRow, c int, e *session.Event) { e.Time = r.integer(c) },
		}}
	case "User":
		return []eventColumn{{f.Column, bindUser, scanUser}}
	case "Extra":
		return []eventColumn{
			{
				f.Column, func(b *rowBinder, p int, e *session.Event) {
					b.bindJSON(p, b.columns.Attributes(e.Extra, jsoncolumn.IsNative))
				},
				func(r *storedRow, c int, e *session.Event) { e.Extra = r.attributes(c, e.Extra[:0]) },
			},
			{
				"attribute_types", func(b *rowBinder, p int, e *session.Event) { b.bindJSON(p, b.attributeTypes(e.Extra)) },
				func(r *storedRow, c int, e *session.Event) { jsoncolumn.ApplyTypeLetters(e.Extra, r.text(c)) },
			},
		}
	}
	return []eventColumn{columnOf(f)}
}

func columnOf(f *session.Field) eventColumn {
	switch f.In(&session.Event{}).(type) {
	case *string:
		return eventColumn{
			f.Column, func(b *rowBinder, p int, e *session.Event) { b.bindText(p, *f.In(e).(*string)) },
			func(r *storedRow, c int, e *session.Event) { *f.In(e).(*string) = r.text(c) },
		}
	case *session.Kind:
		return eventColumn{
			f.Column, func(b *rowBinder, p int, e *session.Event) { b.bindWord(p, e.Kind.String()) },
			func(r *storedRow, c int, e *session.Event) { e.Kind = session.ParseKind(r.text(c)) },
		}
	case *session.Outcome:
		return eventColumn{
			f.Column, func(b *rowBinder, p int, e *session.Event) { b.bindWord(p, e.Outcome.String()) },
			func(r *storedRow, c int, e *session.Event) { e.Outcome = session.ParseOutcome(r.text(c)) },
		}
	case *int32:
		return numberColumn[int32](f)
	case *int64:
		return numberColumn[int64](f)
	case *uint32:
		return numberColumn[uint32](f)
	case *session.ID:
		return idColumn(f, func(e *session.Event) []byte { return f.In(e).(*session.ID)[:] })
	case *[16]byte:
		return idColumn(f, func(e *session.Event) []byte { return f.In(e).(*[16]byte)[:] })
	case *[8]byte:
		return idColumn(f, func(e *session.Event) []byte { return f.In(e).(*[8]byte)[:] })
	case *[]string:
		return eventColumn{
			f.Column, func(b *rowBinder, p int, e *session.Event) { b.bindJSON(p, b.columns.Strings(*f.In(e).(*[]string))) },
			func(r *storedRow, c int, e *session.Event) {
				to := f.In(e).(*[]string)
				*to = r.list(c, (*to)[:0])
			},
		}
	case *[]session.Setting:
		return eventColumn{
			f.Column, func(b *rowBinder, p int, e *session.Event) { b.bindJSON(p, b.columns.Settings(e.Settings)) },
			func(r *storedRow, c int, e *session.Event) { e.Settings = r.settings(c, e.Settings[:0]) },
		}
	}
	panic(fmt.Sprintf("sqlite: field %s has a type without a column", f.Name))
}

func numberColumn[T int32 | int64 | uint32](f *session.Field) eventColumn {
	return eventColumn{
		f.Column, func(b *rowBinder, p int, e *session.Event) { b.bindNumber(p, int64(*f.In(e).(*T))) },
		func(r *storedRow, c int, e *session.Event) { *f.In(e).(*T) = T(r.integer(c)) },
	}
}

// idColumn is a fixed number of bytes; all zero is none.
func idColumn(f *session.Field, bytes func(*session.Event) []byte) eventColumn {
	return eventColumn{
		f.Column, func(b *rowBinder, p int, e *session.Event) { b.bindID(p, bytes(e)) },
		func(r *storedRow, c int, e *session.Event) { r.id(c, bytes(e)) },
	}
}

// bindUser tells an empty name from none: ClickHouse has both.
func bindUser(b *rowBinder, p int, e *session.Event) {
	if e.UserEmpty && e.User == "" {
		b.bindWord(p, "")
		return
	}
	b.bindText(p, e.User)
}

func scanUser(r *storedRow, c int, e *session.Event) {
	e.User = r.text(c)
	e.UserEmpty = e.User == "" && !r.null(c)
}
