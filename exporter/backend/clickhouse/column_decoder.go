package clickhouse

import (
	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/session"
)

// columnDecoder decodes one column of session_events from the expressions that it is selected as, and fills a field.
type columnDecoder interface {
	resultColumns() []proto.ColResult
	decodeInto(row int, e *session.Event)
}

// numberColumn is any of ch-go's number columns.
type numberColumn[T any] interface {
	proto.ColResult
	Row(i int) T
}

type readNumberOf[T any] struct {
	col numberColumn[T]
	set func(*session.Event, T)
}

func readNumber[C any, T any, P interface {
	*C
	numberColumn[T]
}](set func(*session.Event, T),
) func() columnDecoder {
	return func() columnDecoder { return &readNumberOf[T]{col: P(new(C)), set: set} }
}

func (r *readNumberOf[T]) resultColumns() []proto.ColResult     { return []proto.ColResult{r.col} }
func (r *readNumberOf[T]) decodeInto(row int, e *session.Event) { r.set(e, r.col.Row(row)) }

type readTextOf struct {
	col proto.ColStr
	set func(*session.Event, string)
}

func readText(set func(*session.Event, string)) func() columnDecoder {
	return func() columnDecoder { return &readTextOf{set: set} }
}

func (r *readTextOf) resultColumns() []proto.ColResult     { return []proto.ColResult{&r.col} }
func (r *readTextOf) decodeInto(row int, e *session.Event) { r.set(e, r.col.Row(row)) }

// readUser tells an empty name from none.
type readUser struct {
	null proto.ColUInt8
	name proto.ColStr
}

func (r *readUser) resultColumns() []proto.ColResult { return []proto.ColResult{&r.null, &r.name} }

func (r *readUser) decodeInto(row int, e *session.Event) {
	e.User = r.name.Row(row)
	e.UserEmpty = e.User == "" && r.null.Row(row) == 0
}

type readID struct {
	col   proto.ColFixedStr
	field func(*session.Event) []byte
}

func (r *readID) resultColumns() []proto.ColResult     { return []proto.ColResult{&r.col} }
func (r *readID) decodeInto(row int, e *session.Event) { copy(r.field(e), r.col.Row(row)) }

type readList struct {
	col   *proto.ColArr[string]
	field func(*session.Event) *[]string
}

func (r *readList) resultColumns() []proto.ColResult { return []proto.ColResult{r.col} }
func (r *readList) decodeInto(row int, e *session.Event) {
	*r.field(e) = append(*r.field(e), r.col.Row(row)...)
}

// readPairsOf is two arrays of one length.
type readPairsOf struct {
	names, values *proto.ColArr[string]
	add           func(e *session.Event, name, value string)
}

func readPairs(add func(e *session.Event, name, value string)) func() columnDecoder {
	return func() columnDecoder {
		return &readPairsOf{proto.NewArray(&proto.ColStr{}), proto.NewArray(&proto.ColStr{}), add}
	}
}

func (r *readPairsOf) resultColumns() []proto.ColResult { return []proto.ColResult{r.names, r.values} }

func (r *readPairsOf) decodeInto(row int, e *session.Event) {
	values := r.values.Row(row)
	for i, name := range r.names.Row(row) {
		r.add(e, name, values[i])
	}
}

type eventDecoder struct {
	readings []columnDecoder
	results  proto.Results
}

func newEventDecoder() *eventDecoder {
	r := &eventDecoder{}
	for _, c := range eventColumns {
		one := c.read()
		r.readings = append(r.readings, one)
		for i, col := range one.resultColumns() {
			r.results = append(r.results, proto.ResultColumn{Name: c.selectAlias(i), Data: col})
		}
	}
	return r
}

func (r *eventDecoder) decodeRow(row int, e *session.Event) {
	e.Reset()
	for _, one := range r.readings {
		one.decodeInto(row, e)
	}
}
