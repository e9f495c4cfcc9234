package rows

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
)

// KeyUse says what the table's sorting key, (event_date, event_time) in a real session_log, is good for.
type KeyUse uint8

// The uses, each of which includes those before.
const (
	KeyUnused KeyUse = iota // there are rows whose key has nothing to do with event_time_microseconds
	KeyFinds                // the key of every row is near its time
	KeySorts                // the key of every row follows from its time
)

// Query is the SELECT of all rows of a stretch of time.
type Query struct {
	layout  *Layout
	block   *Block
	results proto.Results
	selects []string // per part, up to WHERE
	order   string
}

// tieBreakers put rows with one identity into an order that never changes, for their ordinals.
var tieBreakers = []string{"event_time_microseconds", "auth_id", "type", "client_address", "client_port", "hostname", "session_id", "user", "failure_reason"}

// NewQuery plans what to ask for; not a method of [Layout], whose importers would compile all that a [Block] holds. Columns are named c0, c1, …: an alias that is also the name of a column would stand for it in WHERE.
func NewQuery(l *Layout) *Query {
	b := newBlock()
	b.layout = l
	q := &Query{layout: l, block: b}
	expressions := make([][]string, len(l.Parts))
	aliases := map[string]string{}
	add := func(c rowColumn) {
		alias := fmt.Sprintf("c%d", len(q.results))
		q.results = append(q.results, proto.ResultColumn{Name: alias, Data: c.data})
		for i, p := range l.Parts {
			expressions[i] = append(expressions[i], c.expressionIn(p)+" AS "+alias)
		}
		b.asked = append(b.asked, c)
		if before := aliases[c.name]; before != "" {
			alias = before + ", " + alias
		}
		aliases[c.name] = alias
	}
	for _, c := range b.rowColumns() {
		if l.ColumnType(c.name) != "" {
			add(c)
		}
	}
	for _, name := range l.extra {
		add(b.extraField(name, l.ColumnType(name)))
	}
	for i, p := range l.Parts {
		if l.cluster == "" {
			expressions[i] = append(expressions[i], ServerSQL+" AS u")
		}
		q.selects = append(q.selects, "SELECT "+strings.Join(expressions[i], ", ")+" FROM "+p.from)
	}
	q.results = append(q.results, proto.ResultColumn{Name: "u", Data: &b.server})
	q.order = orderOfRows(aliases)
	return q
}

func orderOfRows(aliases map[string]string) string {
	var order []string
	for _, name := range tieBreakers {
		if alias := aliases[name]; alias != "" {
			order = append(order, alias)
		}
	}
	return strings.Join(order, ", ")
}

// Run yields the rows within a stretch of time in blocks: where several servers are asked through one, those of node.
func (q *Query) Run(ctx context.Context, conn configclickhouse.Conn, within poll.TimeRange, key KeyUse, node Identity, yield func(*Block) error) error {
	return conn.Query(ctx, "", q.selectSQL(within, key, node), q.results, func(int) error {
		q.block.prepareTexts()
		return yield(q.block)
	})
}

func (q *Query) selectSQL(within poll.TimeRange, key KeyUse, node Identity) string {
	parts := q.layout.Parts
	if q.layout.cluster != "" {
		here := "toString(serverUUID()) = " + configclickhouse.QuoteText(node.UUID) + " AND hostName() = " + configclickhouse.QuoteText(node.Hostname)
		inner := q.selects[0] + " WHERE " + strings.Join(append(timeConditions(parts[0], within, key), here), " AND ")
		return "SELECT *, " + ServerSQL + " AS u FROM (SELECT * FROM " + OnEveryServer(q.layout.cluster, inner) + ") ORDER BY " + q.order + SkipAbsentServers
	}
	selects := make([]string, len(parts))
	for i, p := range parts {
		selects[i] = q.selects[i] + whereSQL(p, within, key)
	}
	if len(selects) > 1 {
		return "SELECT * FROM (" + strings.Join(selects, " UNION ALL ") + ") ORDER BY " + q.order
	}
	order := q.order
	if key >= KeySorts && parts[0].HasSortingKey() {
		order = "event_date, event_time, " + order // which the server need not sort by: rows lie in this order
	}
	return selects[0] + " ORDER BY " + order
}

// whereSQL bounds the time. Conditions on the key let the server pass over what it need not read; a date is that of the
// server's zone, which is within a day of UTC's.
func whereSQL(p TablePart, within poll.TimeRange, key KeyUse) string {
	if all := timeConditions(p, within, key); len(all) > 0 {
		return " WHERE " + strings.Join(all, " AND ")
	}
	return ""
}

func timeConditions(p TablePart, within poll.TimeRange, key KeyUse) (all []string) {
	narrow := key >= KeyFinds && p.HasSortingKey()
	if within.From != math.MinInt64 {
		all = append(all, fmt.Sprintf("event_time_microseconds >= fromUnixTimestamp64Micro(toInt64(%d))", within.From))
		if narrow {
			all = append(all, "event_date >= "+DateSQL(within.From, -2), "event_time >= "+SecondSQL(within.From, -2))
		}
	}
	if within.To != math.MaxInt64 {
		all = append(all, fmt.Sprintf("event_time_microseconds < fromUnixTimestamp64Micro(toInt64(%d))", within.To))
		if narrow {
			all = append(all, "event_date <= "+DateSQL(within.To, 2), "event_time <= "+SecondSQL(within.To, 2))
		}
	}
	return all
}

// DateSQL is the date of an instant, in some zone, so many days later.
func DateSQL(micros, days int64) string {
	return fmt.Sprintf("toDate(toUInt16(%d))", ClampToRange(micros/poll.DayMicros+days, math.MaxUint16))
}

// SecondSQL is the second of an instant, so many seconds later.
func SecondSQL(micros, seconds int64) string {
	return fmt.Sprintf("toDateTime(toUInt32(%d))", ClampToRange(micros/poll.SecondMicros+seconds, math.MaxUint32))
}

// ClampToRange is n, or what is nearest to it from 0 to most.
func ClampToRange(n, most int64) int64 { return min(max(n, 0), most) }
