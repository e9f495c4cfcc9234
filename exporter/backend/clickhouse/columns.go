package clickhouse

import (
	"encoding/binary"
	"slices"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

// eventColumn is a column of session_events and what it holds of an event, in both directions.
type eventColumn struct {
	name  string
	write func() cell
	read  func() columnDecoder
	// selects are the expressions that read decodes: the column as one of ch-go's plain types. Empty is the column itself.
	selects []string
	// fed tells that the states of sessions are made of it: session_feed has it too.
	fed bool
}

const (
	typeTime    = "DateTime64(9, 'UTC')"
	typeKind    = "Enum8('login' = 1, 'logout' = 2, 'session.start' = 3, 'session.update' = 4)"
	typeOutcome = "Enum8('unknown' = 0, 'success' = 1, 'failure' = 2)"
)

// stateColumns are those that the states of sessions are made of: session_feed has them too.
var stateColumns = []string{
	"kind", "outcome", "source_event", "time", "system", "instance", "host", "database_name", "user_name", "auth_method", "auth_type", "interface",
	"tls_version", "client_address", "client_port", "client_name", "client_version", "driver", "os", "plugin", "application_name", "record_id",
	"session_key", "session_id", "trace_id", "pid", "duration",
}

// eventColumns are all columns but content_hash, in the order of session.Fields. INSERT and SELECT are made from them. An absent value is an empty text
// or 0, as in the event.
var eventColumns = func() (all []eventColumn) {
	for i := range session.Fields {
		for _, c := range columnsOf(&session.Fields[i]) {
			c.fed = slices.Contains(stateColumns, c.name)
			all = append(all, c)
		}
	}
	return all
}()

// columnsOf makes the columns of a field by its Go type; a few fields have more to tell than their type says.
func columnsOf(f *session.Field) []eventColumn {
	switch f.Name {
	case "Time", "Observed":
		return []eventColumn{time64(f)}
	case "User":
		return []eventColumn{{
			name: f.Column, selects: []string{f.Column + " IS NULL", "ifNull(CAST(" + f.Column + " AS Nullable(String)), '')"},
			write: func() cell { return &userName{newWords()} }, read: func() columnDecoder { return &readUser{} },
		}}
	case "Extra":
		return []eventColumn{
			{
				name: f.Column, selects: []string{"CAST(mapKeys(attributes) AS Array(String))", "mapValues(attributes)"},
				write: pairColumn("Map(LowCardinality(String), String)", fillAttributes),
				read:  readPairs(func(e *session.Event, k, v string) { e.Extra = append(e.Extra, session.Attr{Key: k, Value: v}) }),
			},
			{
				name: "attribute_types", selects: []string{"CAST(attribute_types AS String)"},
				write: func() cell { return &attributeTypes{words: newWords()} },
				read:  readText(func(e *session.Event, letters string) { jsoncolumn.ApplyTypeLetters(e.Extra, letters) }),
			},
		}
	}
	return []eventColumn{columnOf(f)}
}

func columnOf(f *session.Field) eventColumn {
	switch f.In(&session.Event{}).(type) {
	case *string:
		if f.HighCardinality {
			return textColumn(f)
		}
		return dictionaryColumn(f)
	case *session.Kind:
		return eventColumn{
			name: f.Column, selects: []string{"toInt8(" + f.Column + ")"},
			write: number(typeKind, 1, func(b []byte, e *session.Event) []byte { return append(b, byte(e.Kind)) }),
			read:  readNumber[proto.ColInt8](func(e *session.Event, n int8) { e.Kind = session.Kind(n) }),
		}
	case *session.Outcome:
		return eventColumn{
			name: f.Column, selects: []string{"toInt8(" + f.Column + ")"},
			write: number(typeOutcome, 1, func(b []byte, e *session.Event) []byte { return append(b, byte(e.Outcome)) }),
			read:  readNumber[proto.ColInt8](func(e *session.Event, n int8) { e.Outcome = session.Outcome(n) }),
		}
	case *int32:
		return eventColumn{
			name: f.Column,
			write: number("Int32", 4, func(b []byte, e *session.Event) []byte {
				return binary.LittleEndian.AppendUint32(b, uint32(*f.In(e).(*int32))) //nolint:gosec // the same bits
			}),
			read: readNumber[proto.ColInt32](func(e *session.Event, n int32) { *f.In(e).(*int32) = n }),
		}
	case *uint32:
		return eventColumn{
			name: f.Column,
			write: number("UInt32", 4, func(b []byte, e *session.Event) []byte {
				return binary.LittleEndian.AppendUint32(b, *f.In(e).(*uint32))
			}),
			read: readNumber[proto.ColUInt32](func(e *session.Event, n uint32) { *f.In(e).(*uint32) = n }),
		}
	case *int64:
		return eventColumn{
			name: f.Column, write: number("Int64", 8, appendInt64(f)),
			read: readNumber[proto.ColInt64](func(e *session.Event, n int64) { *f.In(e).(*int64) = n }),
		}
	case *session.ID:
		return idColumn(f, 16, func(e *session.Event) []byte { return f.In(e).(*session.ID)[:] })
	case *[16]byte:
		return idColumn(f, 16, func(e *session.Event) []byte { return f.In(e).(*[16]byte)[:] })
	case *[8]byte:
		return idColumn(f, 8, func(e *session.Event) []byte { return f.In(e).(*[8]byte)[:] })
	case *[]string:
		return listColumn(f)
	case *[]session.Setting:
		return eventColumn{
			name: f.Column, selects: []string{"CAST(settings.1 AS Array(String))", "CAST(settings.2 AS Array(String))"},
			write: pairColumn("Array(Tuple(LowCardinality(String), String))", fillSettings),
			read: readPairs(func(e *session.Event, n, v string) {
				e.Settings = append(e.Settings, session.Setting{Name: n, Value: v})
			}),
		}
	}
	panic("clickhouse: field " + f.Name + " has a type without a column")
}

func textOf(f *session.Field) func(*session.Event) *string {
	return func(e *session.Event) *string { return f.In(e).(*string) }
}

// dictionaryColumn is LowCardinality: it holds any text; many different ones only cost more.
func dictionaryColumn(f *session.Field) eventColumn {
	return eventColumn{
		name: f.Column, selects: []string{"CAST(" + f.Column + " AS String)"},
		write: func() cell { return &word{newWords(), textOf(f)} },
		read:  readText(func(e *session.Event, s string) { *f.In(e).(*string) = s }),
	}
}

func textColumn(f *session.Field) eventColumn {
	return eventColumn{
		name: f.Column, write: func() cell { return &text{field: textOf(f)} },
		read: readText(func(e *session.Event, s string) { *f.In(e).(*string) = s }),
	}
}

// time64 is a time in nanoseconds, which is how DateTime64(9) is sent.
func time64(f *session.Field) eventColumn {
	return eventColumn{
		name: f.Column, selects: []string{"reinterpretAsInt64(" + f.Column + ")"}, write: number(typeTime, 8, appendInt64(f)),
		read: readNumber[proto.ColInt64](func(e *session.Event, n int64) { *f.In(e).(*int64) = n }),
	}
}

func appendInt64(f *session.Field) func([]byte, *session.Event) []byte {
	return func(b []byte, e *session.Event) []byte {
		return binary.LittleEndian.AppendUint64(b, uint64(*f.In(e).(*int64))) //nolint:gosec // the same bits
	}
}

func number(typ proto.ColumnType, width int, put func([]byte, *session.Event) []byte) func() cell {
	return func() cell { return &fixed{typ: typ, width: width, put: put} }
}

// idColumn is a fixed number of bytes; all zero is none.
func idColumn(f *session.Field, width int, field func(*session.Event) []byte) eventColumn {
	typ := proto.ColumnType("FixedString(16)")
	if width == 8 {
		typ = "FixedString(8)"
	}
	return eventColumn{
		name:  f.Column,
		write: number(typ, width, func(b []byte, e *session.Event) []byte { return append(b, field(e)...) }),
		read:  func() columnDecoder { return &readID{col: proto.ColFixedStr{Size: width}, field: field} },
	}
}

func listColumn(f *session.Field) eventColumn {
	field := func(e *session.Event) *[]string { return f.In(e).(*[]string) }
	return eventColumn{
		name: f.Column, selects: []string{"CAST(" + f.Column + " AS Array(String))"},
		write: func() cell { return &list{words: newWords(), field: field} },
		read:  func() columnDecoder { return &readList{col: proto.NewArray(&proto.ColStr{}), field: field} },
	}
}

func pairColumn(typ proto.ColumnType, fill func(*pairs, *session.Event)) func() cell {
	return func() cell { return &pairs{typ: typ, names: newWords(), fill: fill} }
}
