package findings

import (
	"context"
	"errors"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/query/internal/timebudget"
)

// historyReader asks what was before a range.
type historyReader struct {
	ctx   context.Context
	store query.Store
	left  timebudget.Budget
}

const (
	firstShare     = 6                      // of the keys of a part are looked up first by a question whose time is limited
	hoursAtOnce    = 100                    // are looked up, whatever a look-up costs: each user of them is asked for by himself
	firstOfHistory = 6 * time.Hour          // is walked first
	walkedHistory  = 400 * time.Millisecond // of limitless questions
)

// walkBack reads the successful logins before a time, the newest first, until only few of what is looked for is left, or until that takes too long:
// most of what is seen today was seen the days before, and one walk costs less than thousands of look-ups. left counts what is looked for.
func (h *historyReader) walkBack(from, until int64, do func(*loginRow), left func() int) error {
	limits := query.Limits{Time: walkedHistory}
	if !h.left.IsUnlimited() {
		limits.Time = max(1, h.left.Rest()/2)
	}
	expressions := loginExpressions(h.store)
	texts := map[string]string{}
	few := h.store.KeysAtOnce() * 2 / 3 // are looked up at once
	if until == math.MinInt64 || left() <= few {
		return nil
	}
	budget := timebudget.New(limits.Time)
	ctx, cancel := budget.WithContext(h.ctx, 0)
	defer cancel()
	_, err := query.EachSlice(ctx, h.store, newTimeFilter(from, until), firstOfHistory, limits, func(where string) string {
		return h.store.Select(expressions...) + " FROM " + h.store.Table() + where + successfulLogins()
	}, func(ctx context.Context, sql string) error {
		if err := readLogins(ctx, h.store, sql, texts, func(row *loginRow) error { do(row); return nil }); err != nil {
			return err
		}
		if left() <= few || budget.IsSpent() {
			return query.ErrEnough
		}
		return nil
	})
	return err
}

// lookupKey is what one look-up is for: values of some columns.
type lookupKey []fieldValue

func (k lookupKey) String() string {
	cells := make([]query.Cell, len(k))
	for i, w := range k {
		cells[i] = w.Cell
	}
	return query.KeyOf(cells)
}

func (a userAccount) lookupKey(more ...fieldValue) lookupKey {
	return append(lookupKey{a.user, a.system, a.instance}, more...)
}

// accountOf is that of a key of one.
func (k lookupKey) accountOf() userAccount {
	return userAccount{user: k[0], system: k[1], instance: k[2]}
}

var (
	accountColumns = []string{"user_name", "system", "instance"}
	pairColumns    = append(slices.Clip(accountColumns), "client_address")
)

// eachPart calls do with parts of some candidates for whom there is time, with a history that is interrupted when the time is up. done is how many
// candidates do was through with. The first part is small and has more time, so that there is an answer.
func eachPart[C any](ctx context.Context, s query.Store, left timebudget.Budget, atOnce int, all []C, do func(h *historyReader, part []C) error) (done int, err error) {
	size, grace := len(all), lookUpGrace
	if !left.IsUnlimited() {
		size = atOnce / firstShare
	}
	for done < len(all) && (done == 0 || !left.IsSpent()) {
		part := all[done:min(done+size, len(all))]
		err := func() error {
			ctx, cancel := left.WithContext(ctx, grace)
			defer cancel()
			return do(&historyReader{ctx: ctx, store: s}, part)
		}()
		if errors.Is(err, timebudget.ErrTimeUp) {
			return done, nil
		}
		if err != nil {
			return done, err
		}
		done += len(part)
		size, grace = atOnce, 0
	}
	return done, nil
}

// newestOf is the time of the newest successful login of each key that has one, within a time, by the text of the key. done is how many keys there was
// time for.
func (h *historyReader) newestOf(columns []string, keys []lookupKey, from, until int64, condition string) (times map[string]int64, done int, err error) {
	times = map[string]int64{}
	for some := range keysOfStatements(keys, h.store.KeysAtOnce()) {
		if h.left.IsSpent() {
			return times, done, nil
		}
		whole := some
		if slices.ContainsFunc(some, lookupKey.isCut) {
			whole = slices.DeleteFunc(slices.Clone(some), lookupKey.isCut)
		}
		if len(whole) > 0 {
			if err := h.lookUp(times, columns, whole, from, until, condition); err != nil {
				return times, done, err
			}
		}
		for _, k := range some {
			if k.isCut() {
				if err := h.lookUpBeginning(times, columns, k, from, until, condition); err != nil {
					return times, done, err
				}
			}
		}
		done += len(some)
	}
	return times, done, nil
}

// mostTextOfStatement is how many bytes of names a statement has, before quoting: ClickHouse takes 256 KiB.
const mostTextOfStatement = 50_000

// keysOfStatements are keys in parts for a statement each.
func keysOfStatements(keys []lookupKey, most int) iter.Seq[[]lookupKey] {
	return func(yield func([]lookupKey) bool) {
		begin, text := 0, 0
		for i, k := range keys {
			length := 0
			for _, value := range k {
				length += len(value.Text)
			}
			if i > begin && (i-begin == most || text+length > mostTextOfStatement) {
				if !yield(keys[begin:i]) {
					return
				}
				begin, text = i, 0
			}
			text += length
		}
		if begin < len(keys) {
			yield(keys[begin:])
		}
	}
}

func (k lookupKey) isCut() bool {
	return slices.ContainsFunc(k, func(w fieldValue) bool { return w.cut })
}

// sqlFor is the statement that looks keys up.
func (h *historyReader) sqlFor(columns []string, keys []lookupKey, from, until int64, condition string) string {
	if len(keys) == 1 && keys[0].isCut() {
		sql, _ := h.sqlForBeginning(columns, keys[0], from, until, condition)
		return sql
	}
	cells := make([][]query.Cell, len(keys))
	for i, k := range keys {
		for _, w := range k {
			cells[i] = append(cells[i], w.Cell)
		}
	}
	return h.store.NewestOf(fieldsOf(columns), cells, h.store.Between(from, until)+successfulLogins()+condition)
}

func (h *historyReader) lookUp(times map[string]int64, columns []string, keys []lookupKey, from, until int64, condition string) error {
	for cells, err := range h.store.Rows(h.ctx, h.sqlFor(columns, keys, from, until, condition), len(columns)+1) {
		if err != nil {
			return err
		}
		at := cells[len(columns)]
		if at.Absent {
			continue
		}
		if times[query.KeyOf(cells[:len(columns)])], err = strconv.ParseInt(at.Text, 10, 64); err != nil {
			return err
		}
	}
	return nil
}

func (h *historyReader) sqlForBeginning(columns []string, k lookupKey, from, until int64, condition string) (string, error) {
	var f query.Filter
	for i, w := range k {
		f.Conditions = append(f.Conditions, w.conditionOn(columns[i]))
	}
	where, err := f.SQLConditions(h.store)
	return h.store.Select("max("+h.store.Nanoseconds()+")") + " FROM " + h.store.Table() + " WHERE " +
		strings.Join(append([]string{h.store.Between(from, until)}, where...), " AND ") + successfulLogins() + condition, err
}

func (h *historyReader) lookUpBeginning(times map[string]int64, columns []string, k lookupKey, from, until int64, condition string) error {
	sql, err := h.sqlForBeginning(columns, k, from, until, condition)
	if err != nil {
		return err
	}
	for cells, err := range h.store.Rows(h.ctx, sql, 1) {
		if err != nil {
			return err
		}
		if at, err := strconv.ParseInt(cells[0].Text, 10, 64); err == nil && at != 0 && !cells[0].Absent {
			times[k.String()] = at
		}
	}
	return nil
}

// newestLogin is the time of a user's newest login within a time.
func (h *historyReader) newestLogin(user userAccount, from, until int64) (at int64, found bool, sql string, err error) {
	unlimited := historyReader{ctx: h.ctx, store: h.store}
	times, _, err := unlimited.newestOf(accountColumns, []lookupKey{user.lookupKey()}, from, until, "")
	at, found = times[user.lookupKey().String()]
	return at, found, h.sqlFor(accountColumns, []lookupKey{user.lookupKey()}, from, until, ""), err
}

// newestFirstKeys are the keys of what was collected, the newest first.
func newestFirstKeys[K comparable](all map[K]*loginGroup) []K {
	keys := make([]K, 0, len(all))
	for k := range all {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b K) int { return all[b].newestRow().compareRow(all[a].newestRow()) })
	return keys
}

func (l *loginGroup) newestRow() loginRow { return slices.MaxFunc(l.newest, loginRow.compareRow) }
