package postgresql

import (
	"fmt"

	"github.com/otel-sessionlog/sessionlog/internal/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

// eventColumn is a column of session_events and what it holds of an event, in both directions. What is absent is NULL: an empty
// text, 0, a list of none.
type eventColumn struct {
	name    string
	selects string // the expression that read takes, with %s for the column; "" where nobody reads it
	write   func(c *copyBatch, e *session.Event)
	read    jsoncolumn.FieldReader
}

// eventColumns are all columns but content_hash, in the order of session.Fields. Every statement is made from them.
var eventColumns = func() (all []eventColumn) {
	for i := range session.Fields {
		all = append(all, columnsOfField(&session.Fields[i])...)
	}
	return all
}()

const (
	asItIs = "%s"
	asJSON = "array_to_json(%s)"
	asHex  = "encode(%s, 'hex')"
)

func columnsOfField(f *session.Field) []eventColumn {
	read := readColumns.Field(f)
	selects, write := columnByType(f)
	switch f.Name {
	case "Time":
		return []eventColumn{
			{name: f.Column, write: func(c *copyBatch, e *session.Event) { c.appendTimestamp(e.Time) }},
			{f.Column + "_ns", asItIs, func(c *copyBatch, e *session.Event) { c.appendInt64(e.Time) }, read},
		}
	case "Observed":
		return []eventColumn{{name: f.Column, write: writeObserved}, {f.Column + "_ns", asItIs, write, read}}
	case "User":
		return []eventColumn{{f.Column, asItIs, writeUser, read}}
	case "Extra":
		return []eventColumn{
			{f.Column, asItIs, write, read},
			{f.Column + "_exact", asItIs, func(c *copyBatch, e *session.Event) { c.appendJSON(c.columns.exactAttributesColumn(e.Extra)) }, readExactAttributes},
		}
	}
	return []eventColumn{{f.Column, selects, write, read}}
}

func columnByType(f *session.Field) (selects string, write func(c *copyBatch, e *session.Event)) {
	switch f.In(&session.Event{}).(type) {
	case *string:
		return asItIs, func(c *copyBatch, e *session.Event) { c.appendTextOrNull(*f.In(e).(*string)) }
	case *session.Kind:
		return asItIs, func(c *copyBatch, e *session.Event) { c.appendText(e.Kind.String()) }
	case *session.Outcome:
		return asItIs, func(c *copyBatch, e *session.Event) { c.appendText(e.Outcome.String()) }
	case *int32:
		return asItIs, func(c *copyBatch, e *session.Event) { c.appendInteger(*f.In(e).(*int32)) }
	case *int64:
		return asItIs, func(c *copyBatch, e *session.Event) { c.appendBigint(*f.In(e).(*int64)) }
	case *uint32:
		return asItIs, func(c *copyBatch, e *session.Event) { c.appendBigint(int64(*f.In(e).(*uint32))) }
	case *session.ID:
		return asItIs, func(c *copyBatch, e *session.Event) { c.appendID(f.In(e).(*session.ID)[:]) }
	case *[16]byte:
		return asHex, func(c *copyBatch, e *session.Event) { c.appendID(f.In(e).(*[16]byte)[:]) }
	case *[8]byte:
		return asHex, func(c *copyBatch, e *session.Event) { c.appendID(f.In(e).(*[8]byte)[:]) }
	case *[]string:
		return asJSON, func(c *copyBatch, e *session.Event) { c.appendTextArray(*f.In(e).(*[]string)) }
	case *[]session.Setting:
		return asItIs, func(c *copyBatch, e *session.Event) { c.appendJSON(c.columns.settingsColumn(e.Settings)) }
	case *[]session.Attr:
		return asItIs, func(c *copyBatch, e *session.Event) { c.appendJSON(c.columns.attributesColumn(e.Extra)) }
	}
	panic(fmt.Sprintf("postgresql: field %s has a type without a column", f.Name))
}

func writeObserved(c *copyBatch, e *session.Event) {
	if e.Observed == 0 {
		c.appendNull()
		return
	}
	c.appendTimestamp(e.Observed)
}

func writeUser(c *copyBatch, e *session.Event) {
	// ClickHouse distinguishes an empty name from none.
	if e.UserEmpty && e.User == "" {
		c.appendText("")
		return
	}
	c.appendTextOrNull(e.User)
}
