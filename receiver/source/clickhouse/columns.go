package clickhouse

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
)

// target is one column that can be read: how the server is asked for it, and where it goes.
type target struct {
	name string // of the table's column
	kind string // type that the answer has
	// ask is the expression, %s standing for the column; "" converts to kind where the table's type is another one.
	ask  string
	data proto.ColResult
	// required columns make a table a session_log.
	required bool
}

// noEnum is the number that stands for NULL, which no Enum8 can have.
const noEnum = math.MinInt16

// noTime stands for NULL in a column of milliseconds.
const noTime = math.MinInt64

// targets lists every column that has a place in clickhouselog.Row. Enums are asked for by number: a server may have
// written a number that its own enum does not define, and asking for the name would fail the query. Times are asked for
// as numbers: they are right whatever the server's zone, and twice the same hour of a clock change stays two hours.
func (b *block) targets() []target {
	const number, whole = "Int16", "Int64"
	enum := fmt.Sprintf("CAST(ifNull(toInt16(%%s), %d) AS Int16)", noEnum)
	milli := fmt.Sprintf("CAST(ifNull(toUnixTimestamp64Milli(toDateTime64(%%s, 3)), %d) AS Int64)", noTime)
	return []target{
		{name: "event_time_microseconds", kind: whole, ask: microsOf("%s"), data: &b.micros, required: true},
		{name: "auth_id", kind: "UUID", data: &b.authID, required: true},
		{name: "type", kind: number, ask: enum, data: &b.kind, required: true},
		{name: "client_address", kind: "IPv6", data: &b.address},
		{name: "client_port", kind: "UInt16", data: &b.port},
		{name: "hostname", kind: "LowCardinality(String)", data: b.hostname},
		{name: "session_id", kind: "String", data: &b.sessionID},
		{name: "user", kind: "Nullable(String)", data: &b.user},
		{name: "auth_type", kind: number, ask: enum, data: &b.authType.numbers},
		{name: "profiles", kind: "Array(LowCardinality(String))", data: b.profiles},
		{name: "roles", kind: "Array(LowCardinality(String))", data: b.roles},
		{name: "settings", kind: settingsType, data: b.settings},
		{name: "interface", kind: number, ask: enum, data: &b.iface.numbers},
		{name: "client_hostname", kind: "String", data: &b.clientHostname},
		{name: "client_name", kind: "String", data: &b.clientName},
		{name: "client_revision", kind: "UInt32", data: &b.revision},
		{name: "client_version_major", kind: "UInt32", data: &b.version[0]},
		{name: "client_version_minor", kind: "UInt32", data: &b.version[1]},
		{name: "client_version_patch", kind: "UInt32", data: &b.version[2]},
		{name: "failure_reason", kind: "String", data: &b.reason},
		{name: "certificate_subjects", kind: "Array(LowCardinality(String))", data: b.subjects},
		{name: "certificate_serial", kind: "LowCardinality(String)", data: b.serial},
		{name: "certificate_issuer", kind: "LowCardinality(String)", data: b.issuer},
		{name: "certificate_not_before", kind: whole, ask: milli, data: &b.notBefore},
		{name: "certificate_not_after", kind: whole, ask: milli, data: &b.notAfter},
		{name: "http_user_agent", kind: "String", data: &b.userAgent},
	}
}

// derived columns say what event_time_microseconds says.
var derived = map[string]bool{"event_date": true, "event_time": true}

// microsOf is the expression for an instant as microseconds since 1970 UTC.
func microsOf(column string) string {
	return "toUnixTimestamp64Micro(toDateTime64(" + column + ", 6))"
}

// expressionOf asks for the column in a part.
func (t target) expressionOf(p part) string {
	have := p.columns[t.name]
	if p.merged != "" && have != "" {
		have = "as the servers have it"
	}
	return t.expression(have)
}

// expression asks for a column whose type in the table is have, or for its default where the table lacks it.
func (t target) expression(have string) string {
	if have == "" {
		return "CAST(defaultValueOfTypeName(" + configclickhouse.QuoteText(t.kind) + ") AS " + t.kind + ")"
	}
	name := configclickhouse.QuoteIdentifier(t.name)
	switch {
	case t.ask != "":
		return fmt.Sprintf(t.ask, name)
	case have == t.kind:
		return name
	}
	return "CAST(" + name + " AS " + t.kind + ")"
}

// extraExpression asks for a column that has no place of its own, as text; times in UTC.
func extraExpression(name, have string) string {
	if have == "" {
		return "CAST(NULL AS Nullable(String))"
	}
	column := configclickhouse.QuoteIdentifier(name)
	if strings.HasPrefix(strings.TrimPrefix(have, "Nullable("), "DateTime") {
		column = "toTimeZone(" + column + ", 'UTC')"
	}
	return "CAST(toString(" + column + ") AS Nullable(String))"
}

// enumNames are the names of an enum's numbers.
type enumNames map[int16]string

var enumMember = regexp.MustCompile(`'((?:[^'\\]|\\.)*)' = (-?\d+)`)

// parseEnum reads the members out of a column's type, such as Nullable(Enum8('A' = 0, 'B' = 1)).
func parseEnum(kind string) enumNames {
	names := enumNames{}
	for _, m := range enumMember.FindAllStringSubmatch(kind, -1) {
		if n, err := strconv.ParseInt(m[2], 10, 16); err == nil {
			names[int16(n)] = strings.NewReplacer(`\'`, `'`, `\\`, `\`).Replace(m[1])
		}
	}
	return names
}

// enumColumn is an enum read by number. A number that neither the table's type nor ours has a name for is its own name.
type enumColumn struct {
	numbers proto.ColInt16
	ours    []string // by number
	table   enumNames
	cache   [32]string // of the numbers that there are
}

func (c *enumColumn) at(i int) string {
	n := c.numbers[i]
	if n < 0 || int(n) >= len(c.cache) {
		return c.name(n)
	}
	if c.cache[n] == "" {
		c.cache[n] = c.name(n)
	}
	return c.cache[n]
}

func (c *enumColumn) name(n int16) string {
	if n == noEnum {
		return ""
	}
	if s, ok := c.table[n]; ok {
		return s
	}
	if n >= 0 && int(n) < len(c.ours) && c.ours[n] != "" {
		return c.ours[n]
	}
	return strconv.Itoa(int(n))
}
