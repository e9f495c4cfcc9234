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
	Login session.Event // whole
	Age   time.Duration // of the session, by this machine's clock
}

// OpenSessions are the logins of a filter that no logout of their session has followed yet, newest first, at most limit. Logins that failed, and those
// without a session key, are none.
func OpenSessions(ctx context.Context, s Store, f Filter, limit int, limits Limits) ([]OpenSession, Coverage, error) {
	open, _, covered, err := CountOpenSessions(ctx, s, f, limit, limit, limits)
	return open, covered, err
}

// CountOpenSessions is [OpenSessions] that counts on to most, with the whole events of the newest limit of them alone.
func CountOpenSessions(ctx context.Context, s Store, f Filter, limit, most int, limits Limits) (open []OpenSession, count int, covered Coverage, err error) {
	if limit <= 0 {
		return nil, 0, Coverage{}, fmt.Errorf("limit %d: must be more than 0", limit)
	}
	found, covered, err := openLogins(ctx, s, f, most, limits)
	if err != nil {
		return nil, 0, covered, err
	}
	for some := range slices.Chunk(found[:min(len(found), limit)], recordsOfStatement) {
		events, err := eventsOfRows(ctx, s, some)
		if err != nil {
			return nil, 0, covered, err
		}
		for i := range events {
			open = append(open, OpenSession{events[i], time.Since(time.Unix(0, events[i].Time))})
		}
	}
	return open, len(found), covered, nil
}

// recordsOfStatement is how many records one statement names: SQLite takes 1,000 alternatives.
const recordsOfStatement = 200

func eventsOfRows(ctx context.Context, s Store, rows []sessionRow) ([]session.Event, error) {
	chosen := Filter{From: time.Unix(0, rows[len(rows)-1].at), Until: time.Unix(0, rows[0].at+1)}
	for _, r := range rows {
		chosen.Conditions = append(chosen.Conditions, Condition{Field: MustFieldOf("record_id"), Value: r.id.String()})
	}
	events, _, err := Events(ctx, s, chosen, nil, len(rows), Limits{})
	return events, err
}

// sessionRow is a login or a logout.
type sessionRow struct {
	at       int64
	id, key  session.ID
	isLogout bool
}

// openLogins walks logins and logouts from the newest back: a logout is met before its login.
func openLogins(ctx context.Context, s Store, f Filter, limit int, limits Limits) ([]sessionRow, Coverage, error) {
	conditions, err := f.SQLConditions(s)
	if err != nil {
		return nil, Coverage{}, err
	}
	login := strings.Join(append([]string{"kind = 'login'"}, conditions...), " AND ")
	key := MustFieldOf("session_key")
	_, until := f.Bounds()
	both := " AND NOT coalesce(" + s.Absent(key) + ", FALSE) AND outcome <> 'failure' AND (kind = 'logout' OR " + login + ")"
	ended := map[session.ID]bool{}
	var open []sessionRow
	expressions := []string{s.Nanoseconds(), textOf(s, "record_id"), textOf(s, "session_key"), textOf(s, "kind")}
	covered, err := EachSlice(ctx, s, Filter{From: f.From}, firstPage, limits, func(where string) string {
		return s.Select(expressions...) + " FROM " + s.Table() + where + both
	}, func(ctx context.Context, sql string) error {
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
			return ErrEnough
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

func readSessionRows(ctx context.Context, s Store, sql string, expressions int) (rows []sessionRow, err error) {
	for cells, err := range s.Rows(ctx, sql, expressions) {
		if err != nil {
			return nil, err
		}
		var r sessionRow
		if r.at, err = strconv.ParseInt(cells[0].Text, 10, 64); err != nil {
			return nil, err
		}
		if r.id, err = cells[1].ParseID(); err != nil {
			return nil, err
		}
		if r.key, err = cells[2].ParseID(); err != nil {
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
		return Position{b.at, b.id}.Compare(Position{a.at, a.id})
	})
	return rows, nil
}
