package printing

import (
	"encoding/json"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Listing is rows of one kind: events, pairs, findings.
type Listing struct {
	Name       string   // of the list in JSON
	Title      string   // above its table; "" where it stands alone
	Columns    []string // that people are shown
	AllColumns []string // that CSV has
	Count      int      // of the rows
	// Value is what a column of a row holds: nil where it is absent, else a string, int64, time.Time or json.RawMessage.
	Value func(row int, column string) any
	// Object is a row in JSON; nil makes it of all columns.
	Object func(row int) []byte
	// A list for people is in tables alone, one for machines everywhere else.
	PeopleOnly, MachinesOnly bool
	// DropEmpty leaves out of the table what no row has.
	DropEmpty bool
}

// Answer is what a view has to say.
type Answer struct {
	Facts    []NamedValue // that are above the lists
	Listings []Listing    // JSON has all of them, CSV and NDJSON the first
	Coverage query.Coverage
	Notes    []string // for people, on the other stream
}

// NamedValue is a single value.
type NamedValue struct {
	Name  string // in JSON
	Title string // "" where only JSON has it
	Value any    // as [Listing.Value]
}

func (l *Listing) rowObject(row int) []byte {
	if l.Object != nil {
		return l.Object(row)
	}
	object := []byte{'{'}
	for i, column := range l.AllColumns {
		if i > 0 {
			object = append(object, ',')
		}
		object = appendMember(object, column, l.Value(row, column))
	}
	return append(object, '}')
}

func appendMember(b []byte, name string, value any) []byte {
	key, _ := json.Marshal(name) // texts always can
	b = append(append(b, key...), ':')
	return append(b, valueJSON(value)...)
}

func valueJSON(value any) []byte {
	switch v := value.(type) {
	case time.Time:
		if v.IsZero() {
			return []byte("null")
		}
		return []byte(`"` + v.UTC().Format(time.RFC3339Nano) + `"`) // whatever zone people see
	case nil:
		return []byte("null")
	}
	text, err := json.Marshal(value)
	if err != nil {
		return []byte("null")
	}
	return text
}

// defaultColumns of events, for people: those that no event of the answer has are left out.
var defaultColumns = []string{
	"time", "kind", "outcome", "user_name", "client_address", "client_name", "auth_method", "database_name", "system", "instance", "error_type", "session_key",
}

// EventListing lists events, with these columns; without any, people see those that some event has, and CSV has all.
func EventListing(name string, events []session.Event, columns []string) Listing {
	l := Listing{Name: name, Columns: defaultColumns, AllColumns: EventColumns(), Count: len(events), DropEmpty: true}
	if len(columns) > 0 {
		l.Columns, l.AllColumns, l.DropEmpty = columns, columns, false
	}
	l.Value = func(row int, column string) any { return EventValue(&events[row], fieldsByColumn[column]) }
	l.Object = func(row int) []byte { return query.AppendEvent(nil, &events[row]) }
	return l
}

var fieldsByColumn = func() map[string]*session.Field {
	fields := map[string]*session.Field{}
	for i := range session.Fields {
		fields[session.Fields[i].Column] = &session.Fields[i]
	}
	return fields
}()

// EventColumns are the columns of events. It begins with the id, so that each row can be found again.
func EventColumns() []string {
	columns := []string{"record_id", "time"}
	for i := range session.Fields {
		if column := session.Fields[i].Column; column != "record_id" && column != "time" {
			columns = append(columns, column)
		}
	}
	return columns
}

// EventValue is a field of an event as [Listing.Value] has it.
func EventValue(e *session.Event, f *session.Field) any {
	switch f.Name {
	case "Time":
		return time.Unix(0, e.Time)
	case "Observed":
		if e.Observed == 0 {
			return nil
		}
		return time.Unix(0, e.Observed)
	}
	if text, present := query.EventText(f, e); present {
		return text
	}
	return nil
}

// GroupListing lists what package query has counted by these columns.
func GroupListing(name, title string, columns []string, groups []query.Group) Listing {
	all := append(append([]string{}, columns...), "count", "failures", "first_success", "last")
	places := map[string]int{}
	for i, column := range columns {
		places[column] = i
	}
	return Listing{Name: name, Title: title, Columns: all, AllColumns: all, Count: len(groups), DropEmpty: true, Value: func(row int, column string) any {
		g := &groups[row]
		switch column {
		case "count":
			return g.Count
		case "failures":
			return g.Failures
		case "first_success":
			return TimeOrNil(g.FirstSuccess)
		case "last":
			return TimeOrNil(g.Last)
		}
		if cell := g.Values[places[column]]; !cell.Absent {
			return cell.Text
		}
		return nil
	}}
}

// TimeOrNil is nil for the zero time.
func TimeOrNil(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at
}

// TextOrNil is nil for an empty text.
func TextOrNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}
