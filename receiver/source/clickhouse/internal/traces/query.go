package traces

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/rows"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Tables that trace correlation reads beside the log.
var (
	queryLog = rows.TableName{Database: "system", Table: "query_log"}
	spanLog  = rows.TableName{Database: "system", Table: "opentelemetry_span_log"}
)

// Session is a session with the trace of the first of its queries, among those asked for, that ran under a trace context.
type Session struct {
	Login clickhouselog.Row // what is known of it
	Trace clickhouselog.Trace
	traceMatch
}

// traceMatch is what a session's queries have shown.
type traceMatch struct {
	end     int64 // of the session, or stillOpen
	certain bool  // nothing else could have sent its queries
}

const (
	// stillOpen is the end of a session that has no logout.
	stillOpen int64 = math.MaxInt64
	// connectionInterfaces are the interfaces whose session is the connection (TCP, MySQL, PostgreSQL). Of all others a session is one
	// request: without its end, which may not have been written out yet, the connection's next request would seem to be its.
	connectionInterfaces = "1, 4, 5"
	// requestSlack is far more than lies between the login of a request and the start of its query.
	requestSlack = 10 * poll.MinuteMicros
	// spanSlack is how far a query's span may be from the start that query_log notes; the same query id may be used again
	// later.
	spanSlack = poll.SecondMicros
)

// traceQuestion is which sessions to look for.
type traceQuestion struct {
	queries   poll.TimeRange // when their queries started
	logged    int64          // from when on their queries started or ended; the logs of before are not read
	logins    poll.TimeRange // when they began
	connected int64          // from when on logins of lasting connections are known
	written   int64          // up to when the logs are read
	// connections are the only ones that are looked at, as what follows IN in brackets; "": all.
	connections string
	scalar      string // what connections needs after WITH
	firstTraced int64  // when the first of their traced queries started, 0 where that is not known
}

// sessionsOfTracedSQL asks for the sessions of traced queries.
//
// A query belongs to the session that logged in last before it, from the same node, address and port by the same interface,
// if that session was still open, if it is the query's user's, and if no earlier session of that connection was open too. Of
// HTTP's sessions, one a request, that is exactly one; of a native connection as well. Whatever else there is (ports shared
// behind a proxy, sessions whose end was lost, two spans for one query id) is no match.
func (l *logTables) sessionsOfTracedSQL(q traceQuestion) string {
	traced := fmt.Sprintf("SELECT %s AS host, address, port, toInt16(interface) AS iface, CAST(%s AS String) AS who, query_id AS id, %s AS at,"+
		" any(s.trace) AS one, any(s.span) AS root, if(min(s.span) = max(s.span) AND min(s.trace) = max(s.trace), 1, 2) AS n FROM %s AS q JOIN (%s) AS s ON q.query_id = s.id"+
		" WHERE %s AND abs(s.at - %[3]s) <= %[7]d GROUP BY host, address, port, iface, who, id, at",
		l.hostExpression(), l.user, startOfQuery, queryLog.SQL(), q.spansSQL(), q.queriesSQL(), spanSlack)
	return "WITH " + q.scalar + "traced AS (" + traced + "), sessions AS (" + l.sessionsSQL(q) + ")" +
		" SELECT s.node AS c0, s.address AS c1, s.port AS c2, s.iface AS c3, s.auth_id AS c4, s.begin AS c5, s.end AS c6, any(s.who) AS c7," +
		" argMin(t.one, t.at) AS c8, argMin(t.root, t.at) AS c9," +
		" toUInt8(max(t.n) = 1 AND min(s.who = t.who) = 1 AND max(s.before) < min(t.at)) AS c10" +
		" FROM traced AS t ASOF JOIN sessions AS s ON t.host = s.host AND t.address = s.address AND t.port = s.port AND t.iface = s.iface AND t.at >= s.begin" +
		fmt.Sprintf(" WHERE t.at <= s.end AND (s.end != %d OR s.iface IN (%s)) AND s.begin >= %d AND s.begin < %d", stillOpen, connectionInterfaces, q.logins.From, q.logins.To) +
		" GROUP BY c0, c1, c2, c3, c4, c5, c6 ORDER BY c5, c4"
}

var startOfQuery = rows.MicrosOf("query_start_time_microseconds")

// spansSQL asks for the spans of queries. A span is written when its query has ended.
func (q traceQuestion) spansSQL() string {
	return fmt.Sprintf("SELECT attribute['clickhouse.query_id'] AS id, toInt64(start_time_us) AS at, trace_id AS trace, span_id AS span FROM %s"+
		" WHERE %s AND start_time_us >= %d AND start_time_us < %d AND id != ''",
		spanLog.SQL(), q.spansWrittenSQL(), rows.ClampToRange(q.queries.From-spanSlack, math.MaxInt64), rows.ClampToRange(q.queries.To, math.MaxInt64-spanSlack)+spanSlack)
}

// spansWrittenSQL is the condition for spans of queries that were written in time.
func (q traceQuestion) spansWrittenSQL() string {
	return fmt.Sprintf("operation_name = 'query' AND finish_date >= %s AND finish_date <= %s AND finish_time_us >= %d AND finish_time_us <= %d",
		rows.DateSQL(q.logged, -2), rows.DateSQL(q.written, 2), rows.ClampToRange(q.logged-spanSlack, math.MaxInt64), rows.ClampToRange(q.written, math.MaxInt64))
}

// queriesSQL is the condition for the queries that clients have sent. query_log has a row for the start of each and one for its
// end: a long one is found by the latter.
func (q traceQuestion) queriesSQL() string {
	condition := fmt.Sprintf("event_date >= %s AND event_date <= %s AND event_time >= %s AND event_time <= %s AND is_initial_query AND %s >= %d AND %[5]s < %[7]d",
		rows.DateSQL(q.logged, -2), rows.DateSQL(q.written, 2), rows.SecondSQL(q.logged, -2), rows.SecondSQL(q.written, 2),
		startOfQuery, q.queries.From, q.queries.To)
	if q.connections != "" {
		condition += " AND (address, port) IN (" + q.connections + ")"
	}
	return condition
}

func (q traceQuestion) connectionsSQL() string {
	if q.connections != "" {
		return q.connections
	}
	return "SELECT address, port" + q.tracedQueriesSQL()
}

func (q traceQuestion) tracedQueriesSQL() string {
	return fmt.Sprintf(" FROM %s WHERE %s AND query_id IN (SELECT id FROM (%s))", queryLog.SQL(), q.queriesSQL(), q.spansSQL())
}

func (q traceQuestion) interestingRequestsFrom() string {
	switch {
	case q.firstTraced != 0:
		return fmt.Sprint(q.firstTraced - requestSlack)
	case q.logged <= q.queries.From:
		return fmt.Sprint(q.queries.From - requestSlack)
	}
	return fmt.Sprintf("(SELECT if(count() = 0, %d, min(at)) FROM (%s)) - %d", q.logged, q.spansSQL(), requestSlack)
}

// sessionsSQL asks for the sessions of the connections that sent queries. before is the end of whatever session of the
// connection ends last of those that began earlier; a login that is too long ago to be known began before all. Where a
// session is one request, its query starts with it: there is no need to look far back, over thousands of requests.
func (l *logTables) sessionsSQL(q traceQuestion) string {
	var parts []string
	for _, p := range l.layout.Parts {
		if !hasQueryKeys(p) {
			continue
		}
		node := "''"
		if p.Columns["hostname"] != "" {
			node = "CAST(hostname AS String)"
		}
		micros := rows.MicrosOf("event_time_microseconds")
		parts = append(parts, fmt.Sprintf("SELECT %s AS node, %s AS host, client_address AS address, client_port AS port, toInt16(interface) AS iface, auth_id,"+
			" toInt16(type) AS kind, CAST(ifNull(user, '') AS String) AS who, %s AS at FROM %s WHERE"+
			" kind IN (%d, %d)%s AND (iface IN (%s) OR at >= %s) AND (client_address, client_port) IN (%s)",
			node, l.hostExpression(), micros, p.Name.SQL(), clickhouselog.TypeLoginSuccess, clickhouselog.TypeLogout, betweenCondition(p, q.connected, q.written),
			connectionInterfaces, q.interestingRequestsFrom(), q.connectionsSQL()))
	}
	return fmt.Sprintf("SELECT *, max(end) OVER (PARTITION BY host, address, port, iface ORDER BY begin ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM ("+
		"SELECT node, host, address, port, iface, auth_id, minIf(at, kind = %[1]d) AS begin, if(countIf(kind = %[2]d) = 0, toInt64(%[3]d), maxIf(at, kind = %[2]d)) AS end,"+
		" anyIf(who, kind = %[1]d) AS who FROM (%[4]s) GROUP BY node, host, address, port, iface, auth_id)",
		clickhouselog.TypeLoginSuccess, clickhouselog.TypeLogout, stillOpen, strings.Join(parts, " UNION ALL "))
}

// logTables is what the three logs are made of.
type logTables struct {
	layout *rows.Layout
	hosts  bool   // all of them name the node
	user   string // query_log's column for who logged in
}

func (l *logTables) hostExpression() string {
	if l.hosts {
		return "CAST(hostname AS String)"
	}
	return "''"
}

func readLogs(ctx context.Context, conn configclickhouse.Conn, l *rows.Layout, user string) (*logTables, error) {
	var table, column string
	have := map[string]map[string]bool{queryLog.Table: {}, spanLog.Table: {}}
	sql := "SELECT table, name FROM system.columns WHERE database = 'system' AND table IN (" + configclickhouse.QuoteText(queryLog.Table) + ", " + configclickhouse.QuoteText(spanLog.Table) + ")"
	if err := rows.EachRow(ctx, conn, sql, func() { have[table][column] = true }, &table, &column); err != nil {
		return nil, err
	}
	for _, name := range []rows.TableName{queryLog, spanLog} {
		if len(have[name.Table]) > 0 {
			continue
		}
		err := rows.Log{Table: name, Username: user}.ExplainAbsence(ctx, conn)
		var waiting *poll.WaitError
		if errors.As(err, &waiting) {
			return nil, nil //nolint:nilnil // no logs are no error: they are made with their first row
		}
		return nil, err
	}
	if !slices.ContainsFunc(l.Parts, hasQueryKeys) {
		return nil, nil //nolint:nilnil // nothing to correlate by
	}
	found := &logTables{layout: l, user: "user", hosts: have[queryLog.Table]["hostname"]}
	if have[queryLog.Table]["authenticated_user"] { // differs where a query was run in the name of somebody else
		found.user = "authenticated_user"
	}
	for _, p := range l.Parts {
		found.hosts = found.hosts && p.Columns["hostname"] != ""
	}
	return found, nil
}

func hasQueryKeys(p rows.TablePart) bool {
	return p.Columns["client_address"] == "IPv6" && p.Columns["client_port"] != "" && p.Columns["interface"] != "" && p.Columns["user"] != ""
}

// betweenCondition narrows the time, by the sorting key of a real session_log too.
func betweenCondition(p rows.TablePart, from, to int64) string {
	condition := fmt.Sprintf(" AND event_time_microseconds >= fromUnixTimestamp64Micro(toInt64(%d))", from)
	if to != math.MaxInt64 {
		condition += fmt.Sprintf(" AND event_time_microseconds < fromUnixTimestamp64Micro(toInt64(%d))", to)
	}
	if p.HasSortingKey() && p.Name.Database == "system" {
		condition += " AND event_date >= " + rows.DateSQL(from, -2) + " AND event_date <= " + rows.DateSQL(to, 2)
	}
	return condition
}

// sessionAnswer is one session of an answer.
type sessionAnswer struct {
	node, user    []byte
	address       netip.Addr
	port          uint16
	iface         int16
	authID, trace uuid.UUID // the trace as the bytes of a UUID are written
	begin, end    int64
	span          uint64
	certain       uint8
	interfaces    rows.EnumNames
}

func (a *sessionAnswer) sessionRef() sessionRef {
	return sessionRef{session.ID(a.authID), a.begin, a.port}
}

func (a *sessionAnswer) tracedMatch() tracedMatch {
	m := tracedMatch{traceMatch: traceMatch{a.end, a.certain == 1}}
	m.trace.ID = a.trace
	binary.BigEndian.PutUint64(m.trace.Span[:], a.span)
	return m
}

func (a *sessionAnswer) foundSession() Session {
	m := a.tracedMatch()
	return Session{Trace: m.trace, traceMatch: m.traceMatch, Login: clickhouselog.Row{
		Hostname: string(a.node), Type: clickhouselog.TypeLoginSuccess, AuthID: session.ID(a.authID), AuthIDText: a.authID.String(), Micros: a.begin,
		User: string(a.user), ClientAddress: a.address, ClientPort: a.port, Interface: a.interfaces.Name(a.iface),
	}}
}

// readRecentSessions is readSessions where few queries are traced, or none: then nothing more is asked, and else far less than of all connections.
func (l *logTables) readRecentSessions(ctx context.Context, conn configclickhouse.Conn, q traceQuestion, yield func(*sessionAnswer)) error {
	var first int64
	listed, err := listConnections(ctx, conn, "SELECT address, port, min("+startOfQuery+") AS first"+q.tracedQueriesSQL()+" GROUP BY address, port", func() {
		if q.firstTraced == 0 || first < q.firstTraced {
			q.firstTraced = first
		}
	}, &first)
	switch {
	case err != nil || len(listed) == 0:
		return err
	case len(listed) <= maxListedConnections:
		q.connections = strings.Join(listed, ", ")
	default:
		q.firstTraced = 0
	}
	return l.readSessions(ctx, conn, q, yield)
}

// readSessions yields the sessions in the order of their logins.
func (l *logTables) readSessions(ctx context.Context, conn configclickhouse.Conn, q traceQuestion, yield func(*sessionAnswer)) error {
	a := &sessionAnswer{interfaces: rows.NewEnumNames(l.layout.ColumnType("interface"), clickhouselog.InterfaceNames)}
	return rows.EachRow(ctx, conn, l.sessionsOfTracedSQL(q), func() { yield(a) },
		&a.node, &a.address, &a.port, &a.iface, &a.authID, &a.begin, &a.end, &a.user, &a.trace, &a.span, &a.certain)
}
