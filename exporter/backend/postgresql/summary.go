package postgresql

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	countInterval  = 10 * time.Second
	countedAtOnce  = 50_000 // rows in one transaction: a tenth of a second
	busyRate       = 5_000  // rows a second, while which more than that is not counted
	mostUncounted  = 100_000
	uncountedGap   = 10 * time.Second // between ids of two ranges
	lockNotGranted = "55P03"
)

var summaryTables = []string{"session_hours", "session_pairs", "session_uncounted"}

const (
	successfulLogins = "e.kind = 'login' AND e.outcome = 'success' AND e.user_name IS NOT NULL"
	keyOfTexts       = "sha256(convert_to(ROW(%s)::text, 'UTF8'))"
)

// countSummary counts some of the rows that are not, and says how many of their ranges there were. A row is written only where that says something new.
var countSummary = `WITH due AS (
    DELETE FROM session_uncounted WHERE ctid = ANY (ARRAY(
        SELECT place FROM (SELECT place, sum(records) OVER (ORDER BY first, place) - records AS before FROM (SELECT ctid AS place, first, records FROM session_uncounted LIMIT 10000) AS ranges) AS parts
        WHERE before < ` + strconv.Itoa(countedAtOnce) + `))
    RETURNING first, last
), seen AS MATERIALIZED (
    SELECT e.user_name, coalesce(e.system, '') AS system, coalesce(e.instance, '') AS instance, e.client_address,
        CASE WHEN e.time_ns >= 0 THEN e.time_ns / 86400000000000 END AS day,
        bit_or(CASE WHEN e.time_ns >= 0 THEN 1 << (e.time_ns / 3600000000000 % 24)::integer END) AS hours, min(e.time_ns) AS first_seen, max(e.time_ns) AS last_seen
    FROM due CROSS JOIN LATERAL (SELECT * FROM session_events AS e WHERE e.record_id BETWEEN due.first AND due.last OFFSET 0) AS e
    WHERE ` + successfulLogins + `
    GROUP BY 1, 2, 3, 4, 5
), hours AS (
    INSERT INTO session_hours
    SELECT day, ` + fmt.Sprintf(keyOfTexts, "user_name, system, instance") + `, user_name, system, instance, bit_or(hours)
    FROM seen WHERE day IS NOT NULL GROUP BY day, user_name, system, instance
    ON CONFLICT (day, key) DO UPDATE SET hours = session_hours.hours | excluded.hours WHERE session_hours.hours & excluded.hours <> excluded.hours
), pairs AS (
    INSERT INTO session_pairs
    SELECT ` + fmt.Sprintf(keyOfTexts, "user_name, system, instance, client_address") + `, user_name, system, instance, client_address, min(first_seen), max(last_seen)
    FROM seen WHERE client_address IS NOT NULL GROUP BY user_name, system, instance, client_address
    ON CONFLICT (key) DO UPDATE SET first_seen = least(session_pairs.first_seen, excluded.first_seen), last_seen = greatest(session_pairs.last_seen, excluded.last_seen)
    WHERE excluded.first_seen < session_pairs.first_seen OR excluded.last_seen > session_pairs.last_seen + 86400000000000
)
SELECT count(*) FROM due`

// lockSummary lets one program at a time change what is counted.
const lockSummary = "LOCK TABLE session_hours IN SHARE ROW EXCLUSIVE MODE"

// noteUncounted is a statement that names records which are new as not counted, "" of none.
func (st *writeStatements) noteUncounted(records []stagedRecord, isNew func(session.ID) bool) string {
	ids := make([]session.ID, 0, len(records))
	for _, r := range records {
		if isNew(r.id) {
			ids = append(ids, r.id)
		}
	}
	slices.SortFunc(ids, func(a, b session.ID) int { return bytes.Compare(a[:], b[:]) })
	var sql strings.Builder
	for begin := 0; begin < len(ids); {
		end := begin + 1
		for end < len(ids) && millisOfID(ids[end])-millisOfID(ids[end-1]) <= uncountedGap.Milliseconds() {
			end++
		}
		if sql.Len() == 0 {
			sql.WriteString(st.uncounted)
		} else {
			sql.WriteString(", ")
		}
		fmt.Fprintf(&sql, "('%s', '%s', %d)", ids[begin], ids[end-1], end-begin)
		begin = end
	}
	if sql.Len() > 0 {
		sql.WriteString("; ")
	}
	return sql.String()
}

// countRows counts to the end while few rows come in, and a part while many do.
func (s *eventStore) countRows(isBusy bool) {
	ctx, cancel := s.untilStopping()
	defer cancel()
	for {
		more := false
		err := s.withPooledConn(ctx, func(ctx context.Context, conn *pgconn.PgConn) (err error) {
			more, err = s.countPart(ctx, conn)
			return err
		})
		if err == nil && !more {
			return
		}
		if err == nil && !isBusy {
			continue
		}
		s.uncounted.Add(1) // it goes on the next time
		if isOthers := errors.Is(err, ErrStopped) || configpostgresql.SQLState(err) == lockNotGranted; err != nil && ctx.Err() == nil && !isOthers {
			s.log.Warn("who logged in from where cannot be counted: questions about history read all rows instead; it is tried again every ten seconds",
				zap.Error(s.cfg.explainError("counting", err)))
		}
		return
	}
}

// countPart looks rows up by their ids, whatever the server thinks of a partition that is growing.
func (s *eventStore) countPart(ctx context.Context, conn *pgconn.PgConn) (more bool, err error) {
	err = inTransaction(ctx, conn, func() error {
		if err := execStatements(ctx, conn, s.cfg.prefixNames("SET LOCAL enable_seqscan = off; SET LOCAL jit = off; "+lockSummary+" NOWAIT")); err != nil {
			return err
		}
		rows, err := queryRows(ctx, conn, s.cfg.prefixNames(countSummary))
		more = err == nil && rows[0][0] != "0"
		return err
	})
	return more, err
}

// forgetSummary lets go of what is only of logins that have expired.
func (s *eventStore) forgetSummary(ctx context.Context, conn *pgconn.PgConn, oldest time.Time) error {
	at := max(0, oldest.Unix())
	return execStatements(ctx, conn, s.cfg.prefixNames(fmt.Sprintf("BEGIN; "+lockSummary+"; DELETE FROM session_hours WHERE day < %d; DELETE FROM session_pairs WHERE last_seen < %d; COMMIT",
		at/(24*60*60), (at-24*60*60)*int64(time.Second))))
}

// Summary is known unless much is not counted. Whoever may not read it has none.
func (s *queryStore) Summary(ctx context.Context) (summary query.Summary, known bool, err error) {
	left, _, err := s.oneNumber(ctx, "SELECT coalesce(sum(records), 0) FROM session_uncounted WHERE (SELECT count(*) FROM (SELECT FROM session_hours, session_pairs LIMIT 0) AS readable) = 0")
	if failure := (*pgconn.PgError)(nil); errors.As(err, &failure) && failure.Code == codeDenied {
		return nil, false, nil
	}
	return summaryReader{s}, err == nil && left <= mostUncounted, err
}

// summaryReader asks what is counted, and in the same statement the rows that are not.
type summaryReader struct{ *queryStore }

const uncountedLogins = "FROM session_uncounted AS u CROSS JOIN LATERAL (SELECT * FROM session_events AS e WHERE e.record_id BETWEEN u.first AND u.last OFFSET 0) AS e WHERE " + successfulLogins

func (s summaryReader) NewPairs(from int64) string {
	return s.cfg.prefixNames(fmt.Sprintf("WITH fresh AS MATERIALIZED (SELECT e.user_name, coalesce(e.system, '') AS system, coalesce(e.instance, '') AS instance, e.client_address, e.time_ns AS seen "+
		uncountedLogins+" AND e.client_address IS NOT NULL), new_pairs AS (SELECT user_name, system, instance, client_address FROM session_pairs WHERE first_seen >= %[1]d"+
		" UNION SELECT user_name, system, instance, client_address FROM fresh WHERE seen >= %[1]d AND NOT EXISTS (SELECT FROM session_pairs AS p WHERE p.key = "+
		fmt.Sprintf(keyOfTexts, "fresh.user_name, fresh.system, fresh.instance, fresh.client_address")+" AND p.first_seen < %[1]d)"+
		" EXCEPT SELECT user_name, system, instance, client_address FROM fresh WHERE seen < %[1]d)"+
		" SELECT user_name, nullif(system, ''), nullif(instance, ''), client_address FROM new_pairs", from))
}

func (s summaryReader) Hours(begin int64, now, before []query.HourShift) string {
	days := int64(0)
	set := func(shifts []query.HourShift) string {
		all := []string{"0::bigint"}
		for _, shift := range shifts {
			days = int64(len(shift.Masks))
			operator, by := "<<", shift.By
			if by < 0 {
				operator, by = ">>", -by
			}
			all = append(all, fmt.Sprintf("((hours & (ARRAY[%s])[day - %d])::bigint %s %d)", strings.Trim(strings.ReplaceAll(fmt.Sprint(shift.Masks), " ", ", "), "[]"), begin-1, operator, by))
		}
		return strings.Join(all, " | ")
	}
	sets := set(now) + " AS now_hours, " + set(before) + " AS past_hours"
	within := fmt.Sprintf("day >= %d AND day < %d", begin, begin+days)
	const users = `user_name COLLATE "C", system COLLATE "C", instance COLLATE "C"` // where they are sorted, a locale's order costs several times as much
	return s.cfg.prefixNames(`SELECT user_name COLLATE "C", nullif(system COLLATE "C", ''), nullif(instance COLLATE "C", '')` + ", bit_or(now_hours), bit_or(past_hours), count(*) FILTER (WHERE past_hours <> 0 AND counted), min(day) FILTER (WHERE past_hours <> 0 AND counted)" +
		" FROM (SELECT user_name, system, instance, day, counted, " + sets +
		" FROM (SELECT user_name, system, instance, day, hours, true AS counted FROM session_hours WHERE " + within +
		" UNION ALL SELECT e.user_name, coalesce(e.system, ''), coalesce(e.instance, ''), (e.time_ns / 86400000000000)::integer, 1 << (e.time_ns / 3600000000000 % 24)::integer, false " +
		uncountedLogins + " AND e.time_ns >= 0) AS days WHERE " + within + " OFFSET 0) AS shifted GROUP BY " + users + " HAVING bit_or(now_hours) & ~bit_or(past_hours) <> 0")
}
