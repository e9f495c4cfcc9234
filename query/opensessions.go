package query

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

// OpenSession is a login without a logout.
type OpenSession struct {
	Login session.Event
	Age   time.Duration // now
}

// OpenSessions are the logins of a filter that no logout of their session has followed yet, newest first, at most limit. Logins that failed, and those
// without a session key, are none.
func OpenSessions(ctx context.Context, s Store, f Filter, limit int, limits Limits) ([]OpenSession, Coverage, error) {
	if limit <= 0 {
		return nil, Coverage{}, fmt.Errorf("limit %d: must be more than 0", limit)
	}
	found, covered, err := openLogins(ctx, s, f, limit, limits)
	if err != nil || len(found) == 0 {
		return nil, covered, err
	}
	chosen := Filter{From: time.Unix(0, found[len(found)-1].at), Until: time.Unix(0, found[0].at+1)}
	for _, l := range found {
		chosen.Conditions = append(chosen.Conditions, Condition{Field: mustField("record_id"), Value: l.id.String()})
	}
	events, _, err := Events(ctx, s, chosen, nil, len(found), Limits{})
	open := make([]OpenSession, len(events))
	for i := range events {
		open[i] = OpenSession{events[i], time.Since(time.Unix(0, events[i].Time))}
	}
	return open, covered, err
}

// sessionRow is a login or a logout.
type sessionRow struct {
	at       int64
	id, key  session.ID
	isLogout bool
}

// openLogins walks logins and logouts from the newest back: a logout is met before its login.
func openLogins(ctx context.Context, s Store, f Filter, limit int, limits Limits) ([]sessionRow, Coverage, error) {
	conditions, err := f.conditions(s)
	if err != nil {
		return nil, Coverage{}, err
	}
	login := strings.Join(append([]string{"kind = 'login'"}, conditions...), " AND ")
	key := mustField("session_key")
	_, until := f.bounds()
	both := " AND NOT coalesce(" + s.Absent(key) + ", FALSE) AND outcome <> 'failure' AND (kind = 'logout' OR " + login + ")"
	ended := map[session.ID]bool{}
	var open []sessionRow
	expressions := []string{s.Nanoseconds(), textOf(s, "record_id"), textOf(s, "session_key"), textOf(s, "kind")}
	covered, err := walkFrom(ctx, s, Filter{From: f.From}, firstPage, limits, func(where string) string {
		return s.Select(expressions...) + " FROM " + s.Table() + where + both
	}, func(sql string) error {
		rows, err := readSessionRows(ctx, s, sql, len(expressions))
		if err != nil {
			return err
		}
		for _, r := range rows {
			switch {
			case r.isLogout:
				ended[r.key] = true
			case !ended[r.key] && r.at < until:
				open = append(open, r)
			}
		}
		if len(open) >= limit {
			return errEnough
		}
		return nil
	})
	if len(open) > limit {
		open = open[:limit]
	}
	if !f.Until.IsZero() && covered.Until.After(f.Until) {
		covered.Until = f.Until
	}
	return open, covered, err
}

// readSessionRows gives the newest first, logouts before logins of the same moment.
func readSessionRows(ctx context.Context, s Store, sql string, expressions int) (rows []sessionRow, err error) {
	for cells, err := range s.Rows(ctx, sql, expressions) {
		if err != nil {
			return nil, err
		}
		var r sessionRow
		if r.at, err = strconv.ParseInt(cells[0].Text, 10, 64); err != nil {
			return nil, err
		}
		if r.id, err = identityOf(cells[1]); err != nil {
			return nil, err
		}
		if r.key, err = identityOf(cells[2]); err != nil {
			return nil, err
		}
		r.isLogout = cells[3].Text == session.KindLogout.String()
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b sessionRow) int {
		if a.at == b.at && a.isLogout != b.isLogout {
			if a.isLogout {
				return -1
			}
			return 1
		}
		return Position{b.at, b.id}.compare(Position{a.at, a.id})
	})
	return rows, nil
}
