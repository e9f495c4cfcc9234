package clickhouse

import (
	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/session"
)

// reading decodes one column of session_events from the expressions that it is selected as, and fills a field.
type reading interface {
	results() []proto.ColResult
	fill(row int, e *session.Event)
}

// numeric is any of ch-go's number columns.
type numeric[T any] interface {
	proto.ColResult
	Row(i int) T
}

type readNumberOf[T any] struct {
	col numeric[T]
	set func(*session.Event, T)
}

func readNumber[C any, T any, P interface {
	*C
	numeric[T]
}](set func(*session.Event, T),
) func() reading {
	return func() reading { return &readNumberOf[T]{col: P(new(C)), set: set} }
}

func (r *readNumberOf[T]) results() []proto.ColResult     { return []proto.ColResult{r.col} }
func (r *readNumberOf[T]) fill(row int, e *session.Event) { r.set(e, r.col.Row(row)) }

type readTextOf struct {
	col proto.ColStr
	set func(*session.Event, string)
}

func readText(set func(*session.Event, string)) func() reading {
	return func() reading { return &readTextOf{set: set} }
}

func (r *readTextOf) results() []proto.ColResult     { return []proto.ColResult{&r.col} }
func (r *readTextOf) fill(row int, e *session.Event) { r.set(e, r.col.Row(row)) }

// readUser tells an empty name from none.
type readUser struct {
	null proto.ColUInt8
	name proto.ColStr
}

func (r *readUser) results() []proto.ColResult { return []proto.ColResult{&r.null, &r.name} }

func (r *readUser) fill(row int, e *session.Event) {
	e.User = r.name.Row(row)
	e.UserEmpty = e.User == "" && r.null.Row(row) == 0
}

type readID struct {
	col   proto.ColFixedStr
	field func(*session.Event) []byte
}

func (r *readID) results() []proto.ColResult     { return []proto.ColResult{&r.col} }
func (r *readID) fill(row int, e *session.Event) { copy(r.field(e), r.col.Row(row)) }

type readList struct {
	col   *proto.ColArr[string]
	field func(*session.Event) *[]string
}

func (r *readList) results() []proto.ColResult { return []proto.ColResult{r.col} }
func (r *readList) fill(row int, e *session.Event) {
	*r.field(e) = append(*r.field(e), r.col.Row(row)...)
}

// readPairsOf is two arrays of one length.
type readPairsOf struct {
	names, values *proto.ColArr[string]
	add           func(e *session.Event, name, value string)
}

func readPairs(add func(e *session.Event, name, value string)) func() reading {
	return func() reading {
		return &readPairsOf{proto.NewArray(&proto.ColStr{}), proto.NewArray(&proto.ColStr{}), add}
	}
}

func (r *readPairsOf) results() []proto.ColResult { return []proto.ColResult{r.names, r.values} }

func (r *readPairsOf) fill(row int, e *session.Event) {
	values := r.values.Row(row)
	for i, name := range r.names.Row(row) {
		r.add(e, name, values[i])
	}
}

// rows decodes whole events.
type rows struct {
	readings []reading
	results  proto.Results
}

func newRows() *rows {
	r := &rows{}
	for _, c := range columns {
		one := c.read()
		r.readings = append(r.readings, one)
		for i, col := range one.results() {
			r.results = append(r.results, proto.ResultColumn{Name: c.alias(i), Data: col})
		}
	}
	return r
}

// fill makes e the event of a row.
func (r *rows) fill(row int, e *session.Event) {
	e.Reset()
	for _, one := range r.readings {
		one.fill(row, e)
	}
}
