package clickhouse

import (
	"encoding/binary"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/internal/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

// eventColumn is a column of session_events and what it holds of an event, in both directions.
type eventColumn struct {
	name    string
	selects string // the text that read takes, with %s for the column
	write   func() blockColumn
	read    jsoncolumn.FieldReader
}

const (
	asIs       = "%s"
	asText     = "toString(%s)"
	asNullable = "CAST(%s AS Nullable(String))"
	asTime     = "toString(reinterpretAsInt64(%s))"
	asHex      = "hex(%s)"
	asJSON     = "toJSONString(%s)"
)

const (
	typeTime    = "DateTime64(9, 'UTC')"
	typeKind    = "Enum8('login' = 1, 'logout' = 2, 'session.start' = 3, 'session.update' = 4)"
	typeOutcome = "Enum8('unknown' = 0, 'success' = 1, 'failure' = 2)"
)

// eventColumns are all columns but content_hash, in the order of session.Fields. INSERT and SELECT are made from them. An absent value is an empty text
// or 0, as in the event.
var eventColumns = func() (all []eventColumn) {
	for i := range session.Fields {
		all = append(all, columnsOfField(&session.Fields[i])...)
	}
	return all
}()

func columnsOfField(f *session.Field) []eventColumn {
	selects, write := columnByType(f)
	all := []eventColumn{{name: f.Column, selects: selects, write: write, read: jsoncolumn.Reader{}.Field(f)}}
	switch f.Name {
	case "Time", "Observed":
		all[0].selects, all[0].write = asTime, numberColumn(typeTime, 8, appendInt64(f))
	case "User":
		all[0].selects, all[0].write = asNullable, func() blockColumn { return &userNameColumn{newDictionary()} }
	case "Extra":
		all = append(all, eventColumn{
			name: "attribute_types", selects: asIs,
			write: func() blockColumn { return &attributeTypesColumn{valueDictionary: newDictionary()} }, read: jsoncolumn.ReadTypeLetters,
		})
	}
	return all
}

func columnByType(f *session.Field) (selects string, write func() blockColumn) {
	switch f.In(&session.Event{}).(type) {
	case *string:
		if f.HighCardinality {
			return asIs, func() blockColumn { return &textColumn{field: textFieldOf(f)} }
		}
		return asIs, func() blockColumn { return &dictionaryColumn{newDictionary(), textFieldOf(f)} } // any text; many different ones only cost more
	case *session.Kind:
		return asText, numberColumn(typeKind, 1, func(b []byte, e *session.Event) []byte { return append(b, byte(e.Kind)) })
	case *session.Outcome:
		return asText, numberColumn(typeOutcome, 1, func(b []byte, e *session.Event) []byte { return append(b, byte(e.Outcome)) })
	case *int32:
		return asText, numberColumn("Int32", 4, func(b []byte, e *session.Event) []byte {
			return binary.LittleEndian.AppendUint32(b, uint32(*f.In(e).(*int32))) //nolint:gosec // the same bits
		})
	case *uint32:
		return asText, numberColumn("UInt32", 4, func(b []byte, e *session.Event) []byte {
			return binary.LittleEndian.AppendUint32(b, *f.In(e).(*uint32))
		})
	case *int64:
		return asText, numberColumn("Int64", 8, appendInt64(f))
	case *session.ID:
		return asHex, numberColumn("FixedString(16)", 16, func(b []byte, e *session.Event) []byte { return append(b, f.In(e).(*session.ID)[:]...) })
	case *[16]byte:
		return asHex, numberColumn("FixedString(16)", 16, func(b []byte, e *session.Event) []byte { return append(b, f.In(e).(*[16]byte)[:]...) })
	case *[8]byte:
		return asHex, numberColumn("FixedString(8)", 8, func(b []byte, e *session.Event) []byte { return append(b, f.In(e).(*[8]byte)[:]...) })
	case *[]string:
		return asJSON, func() blockColumn {
			return &listColumn{valueDictionary: newDictionary(), field: func(e *session.Event) *[]string { return f.In(e).(*[]string) }}
		}
	case *[]session.Setting:
		return asJSON, newPairsColumn("Array(Tuple(LowCardinality(String), String))", fillSettings)
	case *[]session.Attr:
		return asJSON, newPairsColumn("Map(LowCardinality(String), String)", fillAttributes)
	}
	panic("clickhouse: field " + f.Name + " has a type without a column")
}

func textFieldOf(f *session.Field) func(*session.Event) *string {
	return func(e *session.Event) *string { return f.In(e).(*string) }
}

func appendInt64(f *session.Field) func([]byte, *session.Event) []byte {
	return func(b []byte, e *session.Event) []byte {
		return binary.LittleEndian.AppendUint64(b, uint64(*f.In(e).(*int64))) //nolint:gosec // the same bits
	}
}

func numberColumn(typ proto.ColumnType, width int, put func([]byte, *session.Event) []byte) func() blockColumn {
	return func() blockColumn { return &fixedColumn{typ: typ, width: width, put: put} }
}

func newPairsColumn(typ proto.ColumnType, fill func(*pairsColumn, *session.Event)) func() blockColumn {
	return func() blockColumn { return &pairsColumn{typ: typ, names: newDictionary(), fill: fill} }
}
