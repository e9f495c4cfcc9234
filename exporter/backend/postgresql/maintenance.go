package postgresql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
)

const (
	maintenanceInterval = 10 * time.Minute
	sliceRows           = 5000 // deleted in one transaction

	undefinedTable = "42P01" // SQLSTATE
)

func (s *eventStore) withNewConn(ctx context.Context, do func(context.Context, *pgconn.PgConn) error) error {
	conn, err := s.openServerConn(ctx)
	if err != nil {
		return err
	}
	defer closeGracefully(conn)
	return do(ctx, conn)
}

func (s *eventStore) setUpSchema(ctx context.Context, conn *pgconn.PgConn) error {
	if err := s.warnOfServer(ctx, conn); err != nil {
		return err
	}
	if err := s.migrateSchema(ctx, conn); err != nil {
		return err
	}
	if s.cfg.CreateSchema {
		if err := s.makeViews(ctx, conn); err != nil {
			return err
		}
		if err := s.writeViewSettings(ctx, conn); err != nil {
			return err
		}
	} else if err := s.checkViewsByHand(ctx, conn); err != nil {
		return err
	}
	if err := s.applyTTL(ctx, conn); err != nil {
		return err
	}
	err := s.makeComingMonths(ctx, conn)
	if configpostgresql.SQLState(err) == "55P03" { // somebody reads for long: the default partition does for now
		s.log.Warn("partitions of the coming months cannot be made yet", zap.Error(s.cfg.explainError("starting", err)))
		return s.loadPartitions(ctx, conn)
	}
	return err
}

func (s *eventStore) makeComingMonths(ctx context.Context, conn *pgconn.PgConn) error {
	if !s.cfg.CreateSchema {
		return s.loadPartitions(ctx, conn)
	}
	var months []idRange
	now := s.now().UTC()
	for ahead := range time.Month(monthsAhead + 1) {
		months = append(months, monthOfMillis(time.Date(now.Year(), now.Month()+ahead, 1, 0, 0, 0, 0, time.UTC).UnixMilli()))
	}
	return s.attachMonths(ctx, conn, months)
}

// runMaintenance begins with what a start has not done; indexes are not built then, for a backlog may come.
func (s *eventStore) runMaintenance() {
	defer close(s.maintenanceEnded)
	timer, counting := time.NewTimer(maintenanceInterval), time.NewTicker(s.countEvery)
	defer timer.Stop()
	defer counting.Stop()
	s.uncounted.Add(1) // of a program before
	if s.ttl > 0 {
		s.warnUnlessStopping(s.whileRunning(func(ctx context.Context) error { return s.withNewConn(ctx, s.expireOnce) }))
	}
	for {
		select {
		case <-s.pool.Stopping():
			return
		case <-counting.C:
			if written := s.uncounted.Swap(0); written > 0 {
				s.countRows(written > int64(busyRate*s.countEvery.Seconds()))
			}
			continue
		case <-timer.C:
		}
		s.warnUnlessStopping(s.maintainOnce())
		ctx, cancel := s.untilStopping()
		s.buildIndexes(ctx)
		cancel()
		timer.Reset(maintenanceInterval)
	}
}

func (s *eventStore) warnUnlessStopping(err error) {
	if err != nil && s.pool.Context().Err() == nil {
		s.log.Warn("partitions and retention are not kept up", zap.Error(s.cfg.explainError("keeping", err)))
	}
}

func (s *eventStore) maintainOnce() error {
	return s.whileRunning(func(ctx context.Context) error {
		return s.withNewConn(ctx, func(ctx context.Context, conn *pgconn.PgConn) error {
			if s.cfg.CreateSchema {
				if err := s.makeViews(ctx, conn); err != nil {
					return err
				}
			}
			if err := s.makeComingMonths(ctx, conn); err != nil {
				return err
			}
			return s.expireOnce(ctx, conn)
		})
	})
}

func (s *eventStore) whileRunning(do func(context.Context) error) error {
	ctx, cancel := s.untilStopping()
	defer cancel()
	if err := do(ctx); ctx.Err() == nil { // otherwise nothing of it is lost by being done later
		return err
	}
	return nil
}

func (s *eventStore) untilStopping() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(s.pool.Context())
	go func() {
		select {
		case <-s.pool.Stopping():
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

func (s *eventStore) expireOnce(ctx context.Context, conn *pgconn.PgConn) error {
	s.guard.Remind()
	if s.ttl == 0 {
		return nil
	}
	memory, err := s.readMemory(ctx, conn)
	if err != nil {
		return err
	}
	next, err := s.followClock(ctx, conn, s.ttl, memory)
	if err != nil {
		return err
	}
	if next != memory {
		if err := s.writeMemory(ctx, conn, next); err != nil {
			return err
		}
	}
	oldest := s.guard.Oldest(s.ttl)
	if err := s.deleteBefore(ctx, conn, oldest); err != nil {
		return err
	}
	if err := s.forgetSummary(ctx, conn, oldest); err != nil {
		return err
	}
	return s.guard.ReportFuture(func(after time.Time) (int64, error) {
		return queryNumber(ctx, conn, s.cfg.prefixNames("SELECT count(*) FROM session_events WHERE time > "+timeLiteral(after)))
	})
}

func (s *eventStore) deleteBefore(ctx context.Context, conn *pgconn.PgConn, oldest time.Time) error {
	before := conditionBefore(oldest)
	if !s.cfg.CreateSchema { // who may delete from the whole table may not from its partitions, and need not own them
		return errors.Join(s.deleteSlices(ctx, conn, s.cfg.prefixNames("session_events"), "record_id", before),
			s.deleteSlices(ctx, conn, s.cfg.prefixNames("session_conflicts"), "ctid", before))
	}
	known, err := s.listPartitions(ctx, conn)
	if err != nil {
		return err
	}
	tables := []string{s.cfg.prefixNames("session_events_default"), s.cfg.prefixNames("session_conflicts")}
	for _, p := range known {
		if p.to > oldest.UnixMilli() {
			continue
		}
		dropped, err := s.dropPartition(ctx, conn, p, before)
		if err != nil {
			return err
		}
		if !dropped {
			tables = append(tables, p.name)
		}
	}
	for _, t := range tables {
		err := s.deleteSlices(ctx, conn, t, "ctid", before)
		if configpostgresql.SQLState(err) == undefinedTable && slices.ContainsFunc(known, func(p idRange) bool { return p.name == t }) {
			continue // another program that writes here dropped it
		}
		if err != nil {
			return err
		}
	}
	return s.loadPartitions(ctx, conn)
}

func (s *eventStore) dropPartition(ctx context.Context, conn *pgconn.PgConn, p idRange, before string) (dropped bool, err error) {
	err = inTransaction(ctx, conn, func() error {
		if err := s.lockPartitions(ctx, conn); err != nil {
			return err
		}
		// Who is writing one is waited for, and nobody may begin to: what commits between the count and the drop would be gone.
		if err := execStatements(ctx, conn, "LOCK TABLE "+p.name+" IN SHARE MODE"); err != nil {
			return err
		}
		younger, err := queryRows(ctx, conn, fmt.Sprintf("SELECT count(*) FROM (SELECT FROM %s WHERE NOT %s LIMIT 1) younger", p.name, before))
		if err != nil || younger[0][0] != "0" {
			return err
		}
		dropped = true
		return execStatements(ctx, conn, "DROP TABLE IF EXISTS "+p.name)
	})
	if configpostgresql.SQLState(err) == undefinedTable { // another program that writes here dropped it first
		return true, nil
	}
	return dropped && err == nil, err
}

// deleteSlices deletes by key, by which the rows of the table differ: ctid is the fastest, and says nothing over several partitions.
func (s *eventStore) deleteSlices(ctx context.Context, conn *pgconn.PgConn, table, key, before string) error {
	for {
		n, err := execCounting(ctx, conn, fmt.Sprintf("DELETE FROM %[1]s WHERE %[2]s = ANY (ARRAY(SELECT %[2]s FROM %[1]s WHERE %[3]s LIMIT %[4]d))",
			table, key, before, sliceRows))
		if err != nil || n < sliceRows {
			return err
		}
	}
}
