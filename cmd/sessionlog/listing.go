package main

import (
	"encoding/json"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// rowListing is rows of one kind: events, pairs, findings.
type rowListing struct {
	name    string   // of the list in JSON
	title   string   // above its table; "" where it stands alone
	columns []string // that people are shown
	all     []string // that CSV has
	count   int
	// value is what a column of a row holds: nil where it is absent, else a string, int64, time.Time or json.RawMessage.
	value func(row int, column string) any
	// object is a row in JSON; nil makes it of all columns.
	object func(row int) []byte
	// A list for people is in tables alone, one for machines everywhere else.
	peopleOnly, machinesOnly bool
	// dropEmpty leaves out of the table what no row has.
	dropEmpty bool
}

// viewAnswer is what a view has to say.
type viewAnswer struct {
	facts    []namedValue // that stand above the lists
	listings []rowListing
	coverage query.Coverage
	notes    []string // for people
}

// namedValue is a single value.
type namedValue struct {
	name  string // in JSON
	title string // "" where only JSON has it
	value any    // as [rowListing.value]
}

func (l *rowListing) rowObject(row int) []byte {
	if l.object != nil {
		return l.object(row)
	}
	object := []byte{'{'}
	for i, column := range l.all {
		if i > 0 {
			object = append(object, ',')
		}
		object = appendMember(object, column, l.value(row, column))
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

func eventListing(name string, events []session.Event, columns []string) rowListing {
	l := rowListing{name: name, columns: defaultColumns, all: allColumns(), count: len(events), dropEmpty: true}
	if len(columns) > 0 {
		l.columns, l.all, l.dropEmpty = columns, columns, false
	}
	l.value = func(row int, column string) any { return eventValue(&events[row], fieldsByColumn[column]) }
	l.object = func(row int) []byte { return query.AppendEvent(nil, &events[row]) }
	return l
}

var fieldsByColumn = func() map[string]*session.Field {
	fields := map[string]*session.Field{}
	for i := range session.Fields {
		fields[session.Fields[i].Column] = &session.Fields[i]
	}
	return fields
}()

// allColumns begins with the id, so that each row can be found again.
func allColumns() []string {
	columns := []string{"record_id", "time"}
	for i := range session.Fields {
		if column := session.Fields[i].Column; column != "record_id" && column != "time" {
			columns = append(columns, column)
		}
	}
	return columns
}

func eventValue(e *session.Event, f *session.Field) any {
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

func groupListing(name, title string, columns []string, groups []query.Group) rowListing {
	all := append(append([]string{}, columns...), "count", "failures", "first_success", "last")
	places := map[string]int{}
	for i, column := range columns {
		places[column] = i
	}
	return rowListing{name: name, title: title, columns: all, all: all, count: len(groups), dropEmpty: true, value: func(row int, column string) any {
		g := &groups[row]
		switch column {
		case "count":
			return g.Count
		case "failures":
			return g.Failures
		case "first_success":
			return timeOrNil(g.FirstSuccess)
		case "last":
			return timeOrNil(g.Last)
		}
		if cell := g.Values[places[column]]; !cell.Absent {
			return cell.Text
		}
		return nil
	}}
}

func timeOrNil(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at
}
