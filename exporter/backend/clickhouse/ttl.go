package clickhouse

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/retention"
)

// ttlSeconds finds the seconds of a TTL that ttlOf has made, in the engine as the server prints it.
var ttlSeconds = regexp.MustCompile(` TTL .*toIntervalSecond\((\d+)\)`)

func (s *eventStore) decideTTL(ctx context.Context, l *serverConn, there map[string]tableThere) error {
	s.ttl = 0
	if s.cfg.TTL == 0 {
		return nil
	}
	// The server deletes by itself what a table's TTL says, so the tables keep theirs until a shorter one may count.
	table, _ := s.cfg.storingTable("session_events")
	limit := retention.TTLChange{TTL: s.cfg.TTL, Confirmed: s.cfg.TTLConfirm}
	if m := ttlSeconds.FindStringSubmatch(there[table].engine); m != nil {
		seconds, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			return err
		}
		limit.InForce = time.Duration(seconds) * time.Second
	}
	if err := s.followServerClock(ctx, l, limit.TTL); err != nil {
		return err
	}
	oldest := s.guard.Oldest(limit.TTL)
	shares, err := s.expiredShares(ctx, l, oldest)
	if err != nil {
		return err
	}
	s.ttl = s.guard.Decide(limit, oldest, shares)
	return nil
}

func (s *eventStore) followClock(ctx context.Context, l *serverConn) error {
	if s.ttl == 0 {
		return nil
	}
	return s.followServerClock(ctx, l, s.ttl)
}

func (s *eventStore) followServerClock(ctx context.Context, l *serverConn, ttl time.Duration) error {
	return s.guard.FollowServerClock(ttl, func() (time.Time, error) {
		ms, err := l.queryNumber(ctx, "SELECT toString(toUnixTimestamp64Milli(now64(3))) AS text")
		return time.UnixMilli(ms), err
	})
}

func (s *eventStore) expiredShares(ctx context.Context, l *serverConn, oldest time.Time) (all []retention.ExpiredShare, err error) {
	for _, table := range []string{"session_events", "session_conflicts"} {
		share := retention.ExpiredShare{Table: table}
		expired := fmt.Sprintf("time < fromUnixTimestamp64Nano(%d, 'UTC')", oldest.UnixNano())
		if share.Expired, err = l.queryNumber(ctx, s.cfg.prefixNames("SELECT toString(count()) AS text FROM "+table+" WHERE "+expired)); err != nil {
			return nil, err
		}
		if share.Total, err = l.queryNumber(ctx, s.cfg.prefixNames("SELECT toString(count()) AS text FROM "+table)); err != nil {
			return nil, err
		}
		all = append(all, share)
	}
	return all, nil
}

func (l *serverConn) queryNumber(ctx context.Context, sql string) (int64, error) {
	rows, err := l.queryTexts(ctx, sql)
	if err != nil {
		return 0, err
	}
	if len(rows) != 1 {
		return 0, fmt.Errorf("%d rows where one number was asked for", len(rows))
	}
	return strconv.ParseInt(rows[0], 10, 64)
}

func (s *eventStore) remindOfTTL() {
	every := time.NewTicker(time.Minute)
	defer every.Stop()
	for {
		select {
		case <-s.pool.Stopping():
			return
		case <-every.C:
			s.guard.Remind()
		}
	}
}
