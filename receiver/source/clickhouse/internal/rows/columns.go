package rows

import (
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/session"
)

type rowColumn struct {
	name string // in the table
	data proto.ColResult
	// convert is an expression of the type of data, %s standing for the column; "" converts where the table's type is another one.
	convert string
	// missing is the expression where the table lacks the column; "" is the default of the type.
	missing string
	// fill puts row i's value into its place in the block's row; nil where the block itself reads data.
	fill func(i int)
}

// rowColumns lists every column that has a field in clickhouselog.Row: here is where a new one is added. Enums are asked for by number: a
// server may have written a number that its own enum does not define, and asking for the name would fail the query. Times are asked
// for as numbers: they are right whatever the server's zone, and twice the same hour of a clock change stays two hours.
func (b *Block) rowColumns() []rowColumn {
	r := &b.row
	return []rowColumn{
		{name: "event_time_microseconds", data: &b.micros, convert: MicrosOf("%s"), fill: func(i int) { r.Micros = b.micros[i] }},
		{name: "auth_id", data: &b.authIDs, fill: func(i int) { r.AuthID, r.AuthIDText = session.ID(b.authIDs[i]), b.authTexts[36*i:36*i+36] }},
		{name: "type", data: &b.types, convert: enumNumber, fill: func(i int) { r.Type = clickhouselog.EventType(b.types[i]) }}, //nolint:gosec // Valid checks it
		{name: "client_address", data: &b.addresses, fill: func(i int) { r.ClientAddress = netip.AddrFrom16(b.addresses[i]) }},
		{name: "client_port", data: &b.ports, fill: func(i int) { r.ClientPort = b.ports[i] }},
		textField("hostname", &r.Hostname),
		textField("session_id", &r.SessionID),
		{name: "user", data: &b.userNulls, convert: "isNull(%s)", missing: "toUInt8(1)", fill: func(i int) { r.UserNull = b.userNulls[i] != 0 }},
		textField("user", &r.User),
		b.enumField("auth_type", clickhouselog.AuthTypeNames, &r.AuthType),
		listField("profiles", &r.Profiles),
		listField("roles", &r.Roles),
		settingsField("settings", &r.Settings),
		b.enumField("interface", clickhouselog.InterfaceNames, &r.Interface),
		textField("client_hostname", &r.Hostnames.Hostname),
		textField("client_name", &r.Hostnames.Name),
		numberField("client_revision", &r.Revision),
		numberField("client_version_major", &r.Version[0]),
		numberField("client_version_minor", &r.Version[1]),
		numberField("client_version_patch", &r.Version[2]),
		textField("failure_reason", &r.FailureReason),
		listField("certificate_subjects", &r.Certificate.Subjects),
		textField("certificate_serial", &r.Certificate.Serial),
		textField("certificate_issuer", &r.Certificate.Issuer),
		instantField("certificate_not_before", &r.Certificate.NotBefore),
		instantField("certificate_not_after", &r.Certificate.NotAfter),
		textField("http_user_agent", &r.UserAgent),
	}
}

func (b *Block) extraField(name, columnType string) rowColumn {
	value := "%s"
	if strings.HasPrefix(strings.TrimPrefix(columnType, "Nullable("), "DateTime") {
		value = "toTimeZone(%s, 'UTC')"
	}
	data, key := new(textColumn), session.SourceField+name
	return rowColumn{name: name, data: data, convert: "CAST(ifNull(toString(" + value + "), '') AS String)", fill: func(i int) {
		if text := data.valueAt(i); text != "" {
			b.row.Extra = append(b.row.Extra, session.Attr{Key: key, Value: text})
		}
	}}
}

func textField(name string, to *string) rowColumn {
	data := new(textColumn)
	return rowColumn{name: name, data: data, fill: func(i int) { *to = data.valueAt(i) }}
}

func listField(name string, to *[]string) rowColumn {
	data := new(listColumn)
	return rowColumn{name: name, data: data, fill: func(i int) { *to = data.appendTo((*to)[:0], i) }}
}

func numberField(name string, to *uint32) rowColumn {
	data := new(proto.ColUInt32)
	return rowColumn{name: name, data: data, fill: func(i int) { *to = (*data)[i] }}
}

func settingsField(name string, to *[]session.Setting) rowColumn {
	const flat = "arrayFlatten(arrayMap(s -> [toString(s.1), toString(s.2)], %s))"
	data, both := new(listColumn), []string(nil)
	return rowColumn{name: name, data: data, convert: flat, fill: func(i int) {
		both, *to = data.appendTo(both[:0], i), (*to)[:0]
		for n := 1; n < len(both); n += 2 {
			*to = append(*to, session.Setting{Name: both[n-1], Value: both[n]})
		}
	}}
}

const noTime = math.MinInt64 // in place of NULL

// instantField is a point of time, as RFC 3339 or "".
func instantField(name string, to *string) rowColumn {
	missing := fmt.Sprintf("toInt64(%d)", noTime)
	data := new(proto.ColInt64)
	return rowColumn{name: name, data: data, convert: "CAST(ifNull(toUnixTimestamp64Milli(toDateTime64(%s, 3)), " + missing + ") AS Int64)", missing: missing, fill: func(i int) {
		if *to = ""; (*data)[i] != noTime {
			*to = time.UnixMilli((*data)[i]).UTC().Format(time.RFC3339)
		}
	}}
}

// noEnum stands for NULL: no Enum8 can have it.
const noEnum = math.MinInt16

var (
	missingEnum = fmt.Sprintf("toInt16(%d)", noEnum)
	enumNumber  = "CAST(ifNull(toInt16(%s), " + missingEnum + ") AS Int16)"
)

// EnumNames are the names of an enum's numbers.
type EnumNames map[int16]string

var enumMember = regexp.MustCompile(`'((?:[^'\\]|\\.)*)' = (-?\d+)`)

// NewEnumNames are the names in a column's type, such as Nullable(Enum8('A' = 0, 'B' = 1)), and of numbers that it lacks those of
// usual, by number.
func NewEnumNames(columnType string, usual []string) EnumNames {
	names := EnumNames{noEnum: ""}
	for n, name := range usual {
		names[int16(n)] = name //nolint:gosec // a handful
	}
	for _, m := range enumMember.FindAllStringSubmatch(columnType, -1) {
		if n, err := strconv.ParseInt(m[2], 10, 16); err == nil {
			names[int16(n)] = strings.NewReplacer(`\'`, `'`, `\\`, `\`).Replace(m[1])
		}
	}
	return names
}

// Name is that of a number, or the number.
func (e EnumNames) Name(number int16) string {
	if name := e[number]; name != "" || number == noEnum {
		return name
	}
	return strconv.Itoa(int(number))
}

// enumField is a column of which the names are known once the table's type is.
func (b *Block) enumField(name string, usual []string, to *string) rowColumn {
	data := new(proto.ColInt16)
	names := NewEnumNames(b.layout.ColumnType(name), usual)
	return rowColumn{name: name, data: data, convert: enumNumber, missing: missingEnum, fill: func(i int) { *to = names.Name((*data)[i]) }}
}

// MicrosOf is the expression for an instant as microseconds since 1970 UTC.
func MicrosOf(column string) string {
	return "toUnixTimestamp64Micro(toDateTime64(" + column + ", 6))"
}

func (c rowColumn) expressionIn(p TablePart) string {
	have, want := p.Columns[c.name], string(c.data.Type())
	name := configclickhouse.QuoteIdentifier(c.name)
	switch {
	case have == "" && c.missing != "":
		return c.missing
	case have == "":
		return "CAST(defaultValueOfTypeName(" + configclickhouse.QuoteText(want) + ") AS " + want + ")"
	case c.convert != "":
		return strings.ReplaceAll(c.convert, "%s", name)
	case have == want && !p.approximate:
		return name
	case want == "String":
		return "CAST(ifNull(CAST(" + name + " AS Nullable(String)), '') AS String)"
	}
	return "CAST(" + name + " AS " + want + ")"
}
