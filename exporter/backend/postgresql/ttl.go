package postgresql

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/retention"
)

func (s *eventStore) applyTTL(ctx context.Context, conn *pgconn.PgConn) error {
	s.ttl = 0
	memory, err := s.readMemory(ctx, conn)
	if err != nil {
		return err
	}
	limit, followed := retention.TTLChange{TTL: s.cfg.TTL, InForce: memory.InForce(), Confirmed: s.cfg.TTLConfirm}, memory
	if limit.TTL > 0 {
		if followed, err = s.followClock(ctx, conn, limit.TTL, memory); err != nil {
			return err
		}
		shares, err := s.expiredShares(ctx, conn, s.guard.Oldest(limit.TTL), limit.Shortens())
		if err != nil {
			return err
		}
		s.ttl = s.guard.Decide(limit, s.guard.Oldest(limit.TTL), shares)
	}
	if next := s.guard.Conclude(memory, followed, limit.TTL); next != memory {
		return s.writeMemory(ctx, conn, next)
	}
	return nil
}

// followClock lets the guard compare the clock with what the tables remember. Of our clock and the server's the one that is behind counts: a
// single one that is ahead deletes nothing.
func (s *eventStore) followClock(ctx context.Context, conn *pgconn.PgConn, ttl time.Duration, memory retention.StoredState) (retention.StoredState, error) {
	wall := s.now()
	server, err := s.serverClock(ctx, conn)
	if err != nil {
		return memory, err
	}
	if server.Before(wall) {
		wall = server
	}
	limit := retention.TTLChange{TTL: ttl, Confirmed: s.cfg.TTLConfirm}
	return s.guard.FollowClock(wall, limit, memory, func(from, to time.Time) (bool, error) {
		span := "time >= " + timeLiteral(from) + " AND time < " + timeLiteral(to)
		some, err := queryNumber(ctx, conn, s.cfg.prefixNames("SELECT (EXISTS (SELECT FROM session_events WHERE "+span+") OR EXISTS (SELECT FROM session_conflicts WHERE "+span+"))::int"))
		return some > 0, err
	})
}

func readServerClock(ctx context.Context, conn *pgconn.PgConn) (time.Time, error) {
	ms, err := queryNumber(ctx, conn, "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
	return time.UnixMilli(ms), err
}

// readMemory is what the tables remember of the ttl; nothing where we may not know.
func (s *eventStore) readMemory(ctx context.Context, conn *pgconn.PgConn) (m retention.StoredState, err error) {
	rows, err := queryRows(ctx, conn, s.cfg.prefixNames("SELECT name, value FROM sessionlog_settings WHERE name LIKE 'ttl%'"))
	if err != nil {
		return m, s.forgiveMissingGrant(err)
	}
	places := m.Settings()
	for _, r := range rows {
		if place := places[r[0]]; place != nil {
			if *place, err = strconv.ParseInt(r[1], 10, 64); err != nil {
				return m, err
			}
		}
	}
	return m, nil
}

func (s *eventStore) writeMemory(ctx context.Context, conn *pgconn.PgConn, m retention.StoredState) error {
	var values []string
	for name, value := range m.Settings() {
		values = append(values, fmt.Sprintf("('%s', %d)", name, *value))
	}
	slices.Sort(values) // so that two programs lock the rows in one order
	return s.forgiveMissingGrant(execStatements(ctx, conn, s.cfg.prefixNames("INSERT INTO sessionlog_settings VALUES "+strings.Join(values, ", ")+
		" ON CONFLICT (name) DO UPDATE SET value = excluded.value")))
}

// forgiveMissingGrant forgives a missing grant where somebody else makes the schema: a ttl is then asked about at each start.
func (s *eventStore) forgiveMissingGrant(err error) error {
	if !s.cfg.CreateSchema && configpostgresql.SQLState(err) == codeDenied {
		return nil
	}
	return err
}

func (s *eventStore) expiredShares(ctx context.Context, conn *pgconn.PgConn, oldest time.Time, total bool) (all []retention.ExpiredShare, err error) {
	for _, table := range []string{"session_events", "session_conflicts"} {
		share := retention.ExpiredShare{Table: table}
		count := s.cfg.prefixNames("SELECT count(*) FROM " + table)
		if share.Expired, err = queryNumber(ctx, conn, count+" WHERE "+conditionBefore(oldest)); err != nil {
			return nil, err
		}
		if total {
			if share.Total, err = queryNumber(ctx, conn, count); err != nil {
				return nil, err
			}
		}
		all = append(all, share)
	}
	return all, nil
}

func conditionBefore(oldest time.Time) string {
	return "time < " + timeLiteral(oldest)
}

// timeLiteral is a moment as SQL spells it. PostgreSQL's times reach further than a clock should.
func timeLiteral(t time.Time) string {
	t = t.UTC()
	if t.Year() < 1 {
		return "'-infinity'"
	}
	return "'" + t.Format("2006-01-02 15:04:05.000000+00") + "'"
}

func queryNumber(ctx context.Context, conn *pgconn.PgConn, sql string) (int64, error) {
	rows, err := queryRows(ctx, conn, sql)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(rows[0][0], 10, 64)
}
