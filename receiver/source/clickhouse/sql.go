package clickhouse

import (
	"fmt"
	"math"
	"strings"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
)

// reading is the SELECT of all rows of a stretch of time, and the columns that its answer fills.
type reading struct {
	block   *block // is filled by the query
	look    *block // holds the block before, to be mapped meanwhile
	columns proto.Results
	selects []string // per table, up to WHERE
	order   string
}

// tieBreakers put rows with one identity into an order that never changes, for their ordinals.
var tieBreakers = []string{"event_time_microseconds", "auth_id", "type", "client_address", "client_port", "hostname", "session_id", "user", "failure_reason"}

// newReading plans what to ask for. Columns are named c0, c1, …: an alias that is also the name of a column would stand
// for it in WHERE.
func newReading(l *layout, b *block) *reading {
	r := &reading{block: b}
	lists := make([][]string, len(l.parts))
	add := func(data proto.ColResult, expression func(p part) string) (alias string) {
		alias = fmt.Sprintf("c%d", len(r.columns))
		r.columns = append(r.columns, proto.ResultColumn{Name: alias, Data: data})
		for i, p := range l.parts {
			lists[i] = append(lists[i], expression(p)+" AS "+alias)
		}
		return alias
	}
	aliases := map[string]string{}
	for _, t := range b.targets() {
		if _, ok := l.has(t.name); ok {
			aliases[t.name] = add(t.data, t.expressionOf)
		}
	}
	for i, name := range l.names {
		add(b.extra[i].data, func(p part) string { return extraExpression(name, p.columns[name]) })
	}
	if l.cluster == "" {
		add(b.server, func(part) string { return serverSQL })
	} else {
		r.columns = append(r.columns, proto.ResultColumn{Name: "u", Data: b.server})
	}
	for i, p := range l.parts {
		r.selects = append(r.selects, "SELECT "+strings.Join(lists[i], ", ")+" FROM "+p.from())
	}
	var order []string
	for _, name := range tieBreakers {
		if alias, ok := aliases[name]; ok {
			order = append(order, alias)
		}
	}
	r.order = strings.Join(order, ", ")
	return r
}

// sql asks for the rows within a stretch of time: where several servers are asked through one, for those of node.
func (r *reading) sql(l *layout, within poll.Range, key keyUse, node identity) string {
	if l.cluster != "" {
		here := "toString(serverUUID()) = " + configclickhouse.QuoteText(node.uuid) + " AND hostName() = " + configclickhouse.QuoteText(node.hostname)
		inner := r.selects[0] + " WHERE " + strings.Join(append(conditions(l.parts[0], within, key), here), " AND ")
		return "SELECT *, " + serverSQL + " AS u FROM (SELECT * FROM " + l.everywhere(inner) + ") ORDER BY " + r.order + withoutAbsent
	}
	parts := make([]string, len(l.parts))
	for i, p := range l.parts {
		parts[i] = r.selects[i] + where(p, within, key)
	}
	if len(parts) > 1 {
		return "SELECT * FROM (" + strings.Join(parts, " UNION ALL ") + ") ORDER BY " + r.order
	}
	order := r.order
	if key >= keySorts && l.parts[0].keyColumns() {
		order = "event_date, event_time, " + order // which the server need not sort by: rows lie in this order
	}
	return parts[0] + " ORDER BY " + order
}

// keyUse says what the table's sorting key, (event_date, event_time) in a real session_log, is good for.
type keyUse uint8

const (
	keyUnused keyUse = iota // there are rows whose key has nothing to do with event_time_microseconds
	keyFinds                // the key of every row is near its time
	keySorts                // the key of every row follows from its time
)

// sumsSQL asks for the sums of spans: start, count, hash, and the numbers of rows that do not allow keyFinds and keySorts.
func sumsSQL(l *layout, within poll.Range, width int64, key keyUse) string {
	parts := make([]string, len(l.parts))
	for i, p := range l.parts {
		port := "toUInt16(0)"
		if p.columns["client_port"] != "" {
			port = target{name: "client_port", kind: "UInt16"}.expressionOf(p)
		}
		m := microsOf("event_time_microseconds")
		kind := fmt.Sprintf("CAST(ifNull(toInt16(type), %d) AS Int16)", noEnum)
		authID := target{name: "auth_id", kind: "UUID"}.expressionOf(p)
		far, loose := "0", "0"
		if width == poll.Day && p.keyColumns() {
			far, loose = farRow(m), looseRow(m)
		}
		parts[i] = fmt.Sprintf("SELECT %s AS m, %s AS h, toUInt64(%s) AS far, toUInt64(%s) AS loose FROM %s%s",
			m, hashExpression(m, authID, kind, port), far, loose, p.from(), where(p, within, key))
	}
	sums := fmt.Sprintf("SELECT toInt64(m - (m %% %d + %d) %% %d) AS start, count() AS n, sum(h) AS s, sum(far) AS f, sum(loose) AS l FROM (%s) GROUP BY start",
		width, width, width, strings.Join(parts, " UNION ALL "))
	// A row of zeros says who has nothing to sum up.
	sums += " UNION ALL SELECT toInt64(0) AS start, toUInt64(0) AS n, toUInt64(0) AS s, toUInt64(0) AS f, toUInt64(0) AS l"
	if l.cluster != "" {
		each := "SELECT *, " + serverSQL + " AS node, toLowCardinality(hostName()) AS host FROM (" + sums + ")"
		return "SELECT start, n, s, f, l, " + serverSQL + " AS u, node, host FROM (SELECT * FROM " + l.everywhere(each) + ") ORDER BY start" + withoutAbsent
	}
	return "SELECT start, n, s, f, l, " + serverSQL + " AS u FROM (" + sums + ") ORDER BY start"
}

// sumsAnswer is what sumsSQL asks for.
type sumsAnswer struct {
	start                   proto.ColInt64
	count, hash, far, loose proto.ColUInt64
	server, node, host      *dictionary
	columns                 proto.Results

	by     string                  // UUID of the server that has answered
	sums   map[identity][]poll.Sum // of each server where there are several, or of {}
	strays [2]uint64               // rows that do not allow keyFinds and keySorts
}

func newSumsAnswer(l *layout) *sumsAnswer {
	a := &sumsAnswer{server: newDictionary(), node: newDictionary(), host: newDictionary(), sums: map[identity][]poll.Sum{}}
	a.columns = proto.Results{
		{Name: "start", Data: &a.start},
		{Name: "n", Data: &a.count},
		{Name: "s", Data: &a.hash},
		{Name: "f", Data: &a.far},
		{Name: "l", Data: &a.loose},
		{Name: "u", Data: a.server},
	}
	if l.cluster != "" {
		a.columns = append(a.columns, proto.ResultColumn{Name: "node", Data: a.node}, proto.ResultColumn{Name: "host", Data: a.host})
	}
	return a
}

func (a *sumsAnswer) block(rows int) (err error) {
	if a.by, err = a.server.first(); err != nil {
		return err
	}
	several := len(a.columns) > 6
	if several {
		if a.node.share(); !a.node.inRange() {
			return errDictionary
		}
		if a.host.share(); !a.host.inRange() {
			return errDictionary
		}
	}
	for i := range rows {
		var of identity
		if several {
			of = identity{a.node.at(i), a.host.at(i)}
		}
		sums := a.sums[of]
		if a.count[i] > 0 {
			sums = append(sums, poll.Sum{Start: a.start[i], Tally: poll.Tally{Count: a.count[i], Hash: a.hash[i]}})
		}
		a.sums[of] = sums
		a.strays[0] += a.far[i]
		a.strays[1] += a.loose[i]
	}
	return nil
}

// keyColumns tells whether the sorting key of a real session_log (event_date, event_time) is there.
func (p part) keyColumns() bool {
	return p.columns["event_date"] == "Date" && strings.HasPrefix(p.columns["event_time"], "DateTime") &&
		!strings.HasPrefix(p.columns["event_time"], "DateTime64")
}

// farRow is 1 for a row that where's conditions on the key might miss.
func farRow(micros string) string {
	return fmt.Sprintf("abs(toInt64(toUInt16(event_date)) - intDiv(%[1]s, %[2]d)) > 1 OR abs(toInt64(toUnixTimestamp(event_time)) - intDiv(%[1]s, 1000000)) > 1",
		micros, poll.Day)
}

// looseRow is 1 for a row whose place by the key may not be its place by time.
func looseRow(micros string) string {
	return fmt.Sprintf("toUnixTimestamp(event_time) != intDiv(%s, 1000000) OR event_date != toDate(event_time)", micros)
}

// where bounds the time. Conditions on the key let the server pass over what it need not read; a date is that of the
// server's zone, which is within a day of UTC's.
func where(p part, within poll.Range, key keyUse) string {
	if all := conditions(p, within, key); len(all) > 0 {
		return " WHERE " + strings.Join(all, " AND ")
	}
	return ""
}

func conditions(p part, within poll.Range, key keyUse) (all []string) {
	narrow := key >= keyFinds && p.keyColumns()
	if within.From != math.MinInt64 {
		all = append(all, fmt.Sprintf("event_time_microseconds >= fromUnixTimestamp64Micro(toInt64(%d))", within.From))
		if narrow {
			all = append(all, fmt.Sprintf("event_date >= toDate(toUInt16(%d)) AND event_time >= toDateTime(toUInt32(%d))",
				clamp(within.From/poll.Day-2, math.MaxUint16), clamp(within.From/poll.Second-2, math.MaxUint32)))
		}
	}
	if within.To != math.MaxInt64 {
		all = append(all, fmt.Sprintf("event_time_microseconds < fromUnixTimestamp64Micro(toInt64(%d))", within.To))
		if narrow {
			all = append(all, fmt.Sprintf("event_date <= toDate(toUInt16(%d)) AND event_time <= toDateTime(toUInt32(%d))",
				clamp(within.To/poll.Day+2, math.MaxUint16), clamp(within.To/poll.Second+2, math.MaxUint32)))
		}
	}
	return all
}

func clamp(n, most int64) int64 { return min(max(n, 0), most) }
