package traces

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/rows"
)

// maxListedConnections is for how many connections a question names each: more would not fit into a statement of the usual size.
const maxListedConnections = 2000

func (l *logTables) openConnections(ctx context.Context, conn configclickhouse.Conn, q *traceQuestion, at int64) (found bool, err error) {
	// Of sessions that are requests only those that ended later count: some interfaces log no end.
	sql := fmt.Sprintf("SELECT DISTINCT address, port FROM (%s) WHERE iface IN (%s) AND auth_id NOT IN (SELECT auth_id FROM (%s) WHERE iface IN (%[2]s))"+
		" OR auth_id IN (SELECT auth_id FROM (%[4]s) WHERE iface NOT IN (%[2]s))",
		l.rowsSQL(clickhouselog.TypeLoginSuccess, q.logins.From, q.logins.To), connectionInterfaces,
		l.rowsSQL(clickhouselog.TypeLogout, q.logins.From, at), l.rowsSQL(clickhouselog.TypeLogout, at, q.written))
	listed, err := listConnections(ctx, conn, sql, func() {})
	q.connections = strings.Join(listed, ", ")
	if len(listed) > maxListedConnections { // a scalar is computed once, wherever it appears
		q.scalar = "(SELECT groupArray((address, port)) FROM (" + sql + ")) AS open, "
		q.connections = "SELECT tupleElement(c, 1), tupleElement(c, 2) FROM (SELECT arrayJoin(open) AS c)"
	}
	return len(listed) > 0, err
}

// listConnections asks for addresses, ports and more, of no more connections than the one too many.
func listConnections(ctx context.Context, conn configclickhouse.Conn, sql string, onRow func(), more ...any) (listed []string, err error) {
	var address netip.Addr
	var port uint16
	err = rows.EachRow(ctx, conn, fmt.Sprintf("%s LIMIT %d", sql, maxListedConnections+1), func() {
		listed = append(listed, fmt.Sprintf("(toIPv6(%s), %d)", configclickhouse.QuoteText(address.String()), port))
		onRow()
	}, append([]any{&address, &port}, more...)...)
	return listed, err
}

func (l *logTables) rowsSQL(kind clickhouselog.EventType, from, to int64) string {
	var parts []string
	for _, p := range l.layout.Parts {
		if hasQueryKeys(p) {
			parts = append(parts, fmt.Sprintf("SELECT client_address AS address, client_port AS port, toInt16(interface) AS iface, auth_id FROM %s WHERE toInt16(type) = %d%s",
				p.Name.SQL(), kind, betweenCondition(p, from, to)))
		}
	}
	return strings.Join(parts, " UNION ALL ")
}

func hasSpans(ctx context.Context, conn configclickhouse.Conn, q traceQuestion) (found bool, err error) {
	var n uint64
	sql := "SELECT count() FROM (SELECT 1 FROM " + spanLog.SQL() + " WHERE " + q.spansWrittenSQL() + " LIMIT 1)"
	err = rows.EachRow(ctx, conn, sql, func() { found = n > 0 }, &n)
	return found, err
}
