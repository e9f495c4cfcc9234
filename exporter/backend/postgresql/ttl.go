package postgresql

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/retention"
)

func (s *store) applyTTL(ctx context.Context, conn *pgconn.PgConn) error {
	inForce, err := s.ttlInForce(ctx, conn)
	if err != nil {
		return err
	}
	limit := retention.Limit{TTL: s.cfg.TTL, InForce: time.Duration(inForce) * time.Second, Confirmed: s.cfg.TTLConfirm}
	s.ttl = 0
	if limit.TTL > 0 {
		oldest := s.now().Add(-limit.TTL)
		shares, err := s.expiredShares(ctx, conn, oldest, limit.Shortens())
		if err != nil {
			return err
		}
		s.ttl = s.guard.Decide(limit, oldest, shares)
	}
	if s.guard.AwaitsConfirmation() || retention.Seconds(s.cfg.TTL) == inForce {
		return nil
	}
	return s.writeTTLInForce(ctx, conn)
}

// ttlInForce is the last ttl that was put in force, in seconds; 0 where everything was kept, or where we may not know.
func (s *store) ttlInForce(ctx context.Context, conn *pgconn.PgConn) (int64, error) {
	rows, err := queryRows(ctx, conn, s.cfg.prefixNames("SELECT coalesce(max(value), 0) FROM sessionlog_settings WHERE name = 'ttl'"))
	if err != nil {
		return 0, s.forgiveMissingGrant(err)
	}
	return strconv.ParseInt(rows[0][0], 10, 64)
}

func (s *store) writeTTLInForce(ctx context.Context, conn *pgconn.PgConn) error {
	return s.forgiveMissingGrant(execStatements(ctx, conn, s.cfg.prefixNames(fmt.Sprintf("INSERT INTO sessionlog_settings VALUES ('ttl', %d)"+
		" ON CONFLICT (name) DO UPDATE SET value = excluded.value", retention.Seconds(s.cfg.TTL)))))
}

// forgiveMissingGrant forgives a missing grant where somebody else makes the schema: a ttl is then asked about at each start.
func (s *store) forgiveMissingGrant(err error) error {
	if !s.cfg.CreateSchema && configpostgresql.Code(err) == codeDenied {
		return nil
	}
	return err
}

func (s *store) expiredShares(ctx context.Context, conn *pgconn.PgConn, oldest time.Time, total bool) (all []retention.Share, err error) {
	for _, table := range []string{"session_events", "session_conflicts"} {
		share := retention.Share{Table: table}
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
	return "time < '" + oldest.UTC().Format("2006-01-02 15:04:05.000000+00") + "'"
}

func queryNumber(ctx context.Context, conn *pgconn.PgConn, sql string) (int64, error) {
	rows, err := queryRows(ctx, conn, sql)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(rows[0][0], 10, 64)
}
