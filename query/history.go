package query

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
)

// history asks what was before a range, one look-up by an index for each question.
type history struct {
	ctx   context.Context
	store Store
	left  budget
}

// newest is the time of the newest login of some conditions within a time that succeeded.
func (h *history) newest(from, until int64, extra string, conditions ...Condition) (at int64, found bool, sql string, err error) {
	where, err := Filter{Conditions: conditions}.conditions(h.store)
	if err != nil {
		return 0, false, "", err
	}
	ns := h.store.Nanoseconds()
	sql = h.store.Select(ns) + " FROM " + h.store.Table() + " WHERE " + strings.Join(append([]string{h.store.Between(from, until)}, where...), " AND ") +
		successfulLogins() + extra + " ORDER BY " + ns + " DESC LIMIT 1"
	for cells, err := range h.store.Rows(h.ctx, sql, 1) {
		if err != nil {
			return 0, false, sql, err
		}
		found = true
		if at, err = strconv.ParseInt(cells[0].Text, 10, 64); err != nil {
			return 0, false, sql, err
		}
	}
	return at, found, sql, nil
}

// newestFirstKeys are the keys of what was collected, the newest first.
func newestFirstKeys[K comparable](all map[K]*logins) []K {
	keys := make([]K, 0, len(all))
	for k := range all {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b K) int { return all[b].newestRow().compare(all[a].newestRow()) })
	return keys
}

func (l *logins) newestRow() loginRow { return slices.MaxFunc(l.newest, loginRow.compare) }

// notBefore moves the beginning of what is covered to just after a moment that was not.
func (c *Coverage) notBefore(at int64) {
	c.Complete = false
	if after := time.Unix(0, at).Add(1).UTC(); after.After(c.From) {
		c.From = after
	}
}
