package sqlite

import (
	"fmt"

	"github.com/otel-sessionlog/sessionlog/internal/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

// eventColumn is a column of session_events and what it holds of an event, in both directions.
type eventColumn struct {
	name    string
	selects string // the expression that read takes, with %s for the column
	bind    func(b *rowBinder, param int, e *session.Event)
	read    jsoncolumn.FieldReader
}

// eventColumns are all columns but arrival, in the order of session.Fields. INSERT and SELECT are made from them.
var eventColumns = func() (all []eventColumn) {
	for i := range session.Fields {
		all = append(all, columnsOfField(&session.Fields[i])...)
	}
	return all
}()

const (
	asItIs = "%s"
	asHex  = "hex(%s)"
)

func columnsOfField(f *session.Field) []eventColumn {
	selects, bind := columnByType(f)
	all := []eventColumn{{f.Column, selects, bind, jsoncolumn.Reader{}.Field(f)}}
	switch f.Name {
	case "Time": // never absent
		all[0].bind = func(b *rowBinder, p int, e *session.Event) { b.bindInteger(p, e.Time) }
	case "User":
		all[0].bind = bindUserName
	case "Extra":
		all = append(all, eventColumn{
			"attribute_types", asItIs, func(b *rowBinder, p int, e *session.Event) { b.bindJSONOrNull(p, b.attributeTypes(e.Extra)) }, jsoncolumn.ReadTypeLetters,
		})
	}
	return all
}

func columnByType(f *session.Field) (selects string, bind func(b *rowBinder, param int, e *session.Event)) {
	switch f.In(&session.Event{}).(type) {
	case *string:
		return asItIs, func(b *rowBinder, p int, e *session.Event) { b.bindTextOrNull(p, *f.In(e).(*string)) }
	case *session.Kind:
		return asItIs, func(b *rowBinder, p int, e *session.Event) { b.bindPresentText(p, e.Kind.String()) }
	case *session.Outcome:
		return asItIs, func(b *rowBinder, p int, e *session.Event) { b.bindPresentText(p, e.Outcome.String()) }
	case *int32:
		return asItIs, func(b *rowBinder, p int, e *session.Event) { b.bindNumberOrNull(p, int64(*f.In(e).(*int32))) }
	case *int64:
		return asItIs, func(b *rowBinder, p int, e *session.Event) { b.bindNumberOrNull(p, *f.In(e).(*int64)) }
	case *uint32:
		return asItIs, func(b *rowBinder, p int, e *session.Event) { b.bindNumberOrNull(p, int64(*f.In(e).(*uint32))) }
	case *session.ID:
		return asHex, func(b *rowBinder, p int, e *session.Event) { b.bindIDOrNull(p, f.In(e).(*session.ID)[:]) }
	case *[16]byte:
		return asHex, func(b *rowBinder, p int, e *session.Event) { b.bindIDOrNull(p, f.In(e).(*[16]byte)[:]) }
	case *[8]byte:
		return asHex, func(b *rowBinder, p int, e *session.Event) { b.bindIDOrNull(p, f.In(e).(*[8]byte)[:]) }
	case *[]string:
		return asItIs, func(b *rowBinder, p int, e *session.Event) {
			b.bindJSONOrNull(p, b.columns.Strings(*f.In(e).(*[]string)))
		}
	case *[]session.Setting:
		return asItIs, func(b *rowBinder, p int, e *session.Event) { b.bindJSONOrNull(p, b.columns.Settings(e.Settings)) }
	case *[]session.Attr:
		return asItIs, func(b *rowBinder, p int, e *session.Event) {
			b.bindJSONOrNull(p, b.columns.Attributes(e.Extra, jsoncolumn.IsNative))
		}
	}
	panic(fmt.Sprintf("sqlite: field %s has a type without a column", f.Name))
}

func bindUserName(b *rowBinder, p int, e *session.Event) {
	// ClickHouse distinguishes an empty name from none.
	if e.UserEmpty && e.User == "" {
		b.bindPresentText(p, "")
		return
	}
	b.bindTextOrNull(p, e.User)
}
