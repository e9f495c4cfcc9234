package findings

import (
	"context"
	"errors"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/query/internal/timebudget"
)

// summaryAnswer is the summary of a store, if it has one.
type summaryAnswer struct {
	query.Summary
	known bool
	ran   *[]string // statements
}

// historyQuestion is a question about what was before its filter's time, while it is asked.
type historyQuestion struct {
	Options
	store   query.Store
	filter  query.Filter
	left    timebudget.Budget
	counted summaryAnswer
}

// askSummary is a question whose summary is not known either where there is no time to ask for it.
func (o Options) askSummary(ctx context.Context, s query.Store, f query.Filter, limits query.Limits) (*historyQuestion, error) {
	q := &historyQuestion{Options: o, store: s, filter: f, left: timebudget.New(limits.Time)}
	ctx, cancel := q.left.WithContext(ctx, 0)
	defer cancel()
	counted, known, err := s.Summary(ctx)
	if errors.Is(err, timebudget.ErrTimeUp) {
		known, err = false, nil
	}
	q.counted = summaryAnswer{counted, known, new([]string)}
	return q, err
}

// shareOfRange is the time that a question may spend on its range: most, where its history is counted.
func (q *historyQuestion) shareOfRange() query.Limits {
	if q.counted.known {
		return query.Limits{Time: timebudget.MostOf(q.left.Rest())}
	}
	return query.Limits{Time: timebudget.HalfOf(q.left.Rest())}
}

// lookUpGrace is what the first look-ups have beyond the time of a question.
const lookUpGrace = 200 * time.Millisecond

const keptStatements = 16 // of the summary, in a coverage

// eachRow reads a statement of the summary. What it gave is not all where isWhole is false: the time was up, or do had enough.
func (c summaryAnswer) eachRow(ctx context.Context, s query.Store, left timebudget.Budget, sql string, expressions int, do func(row []query.Cell) error) (isWhole bool, err error) {
	ctx, cancel := left.WithContext(ctx, 0)
	defer cancel()
	if len(*c.ran) < keptStatements {
		*c.ran = append(*c.ran, sql)
	}
	for row, err := range s.Rows(ctx, sql, expressions) {
		if errors.Is(err, timebudget.ErrTimeUp) {
			return false, nil
		}
		if err == nil {
			err = do(row)
		}
		if errors.Is(err, query.ErrEnough) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// newPairs are the pairs that were not seen before a time; nil where that is not known.
func (q *historyQuestion) newPairs(ctx context.Context, from int64) (fresh map[userAddress]bool, err error) {
	if !q.counted.known || from == math.MinInt64 {
		return nil, nil
	}
	texts, all := map[string]string{}, map[userAddress]bool{}
	isWhole, err := q.counted.eachRow(ctx, q.store, q.left.Half(), q.counted.NewPairs(from), len(pairColumns), func(row []query.Cell) error {
		all[userAddress{accountOfCells(row, texts), wordOf(row[len(accountColumns)], texts)}] = true
		return nil
	})
	if err != nil || !isWhole {
		return nil, err
	}
	return all, nil
}

// accountOfCells reads a row that begins with accountColumns.
func accountOfCells(row []query.Cell, texts map[string]string) userAccount {
	return userAccount{user: wordOf(row[0], texts), system: wordOf(row[1], texts), instance: wordOf(row[2], texts)}
}

const (
	mostNamedUsers = 500 // are asked for by name
	firstOfUsers   = 24 * time.Hour
)

// ofUsers is the filter for the events of the users of some accounts, and how wide its first slice is to be. It is not possible where they are many, or where
// the filter names users itself.
func ofUsers[V any](f query.Filter, accounts map[userAccount]V) (of query.Filter, first time.Duration, possible bool) {
	users, text := map[fieldValue]bool{}, 0
	for a := range accounts {
		if !users[a.user] {
			users[a.user] = true
			text += len(a.user.Text)
		}
	}
	namesUsers := slices.ContainsFunc(f.Conditions, func(c query.Condition) bool { return c.Field.Column == "user_name" && !c.Exclude })
	if len(users) == 0 || len(users) > mostNamedUsers || text > mostTextOfStatement || namesUsers {
		return f, firstOfLogins, false
	}
	f.Conditions = slices.Clone(f.Conditions)
	for user := range users {
		f.Conditions = append(f.Conditions, user.conditionOn("user_name"))
	}
	return f, firstOfUsers, true
}

// hourSet has a bit for each hour of the week.
type hourSet uint64

// hoursSeen is what the summary says of a user's hours.
type hoursSeen struct {
	now, before hourSet
	days        int   // with logins before, or more
	first       int64 // of them, since 1970 UTC
}

// countedHours are the hours of users in a time, and in another before it.
type countedHours struct {
	users     map[userAccount]*hoursSeen // those with an hour that they did not have before
	undecided [][2]int64                 // times before of which the summary does not say
	open      hourSet                    // hours in these
	reached   int64                      // the day of the last row
}

// mostCountedDays are asked of a summary at once.
const mostCountedDays = 5000

// fewOpen users are looked up rather than all days read, where rows are handed out.
const fewOpen = 16

// countHours asks for the hours of a filter's time, and of that before it since a moment, of the users who are open by them; nil where the summary does not know.
func (q *historyQuestion) countHours(ctx context.Context, since int64, isOpen func(*hoursSeen) bool) (*countedHours, error) {
	from, until, found, err := q.filter.StoredBounds(ctx, q.store)
	if err != nil {
		return nil, err
	}
	if !found {
		return &countedHours{}, nil
	}
	start, _ := q.filter.Bounds()
	begin := since / int64(oneDay)
	days := (until-1)/int64(oneDay) + 1 - begin
	if since < 0 || days > mostCountedDays {
		return nil, nil
	}
	hours := countedHours{users: map[userAccount]*hoursSeen{}}
	past := q.shiftHours(begin, days, func(at, end int64) hourSet { return hours.decidedHours(q.hoursBetween(at, end), at, end, since, start) })
	now := q.shiftHours(begin, days, func(at, end int64) hourSet {
		if end <= from || at >= until {
			return 0
		}
		return q.hoursBetween(at, end)
	})
	texts := map[string]string{}
	isWhole, err := q.counted.eachRow(ctx, q.store, q.left.Most(), q.counted.Hours(begin, now, past), query.HoursColumns, func(row []query.Cell) error {
		return hours.addRow(row, texts, func(day int64) bool {
			return !q.store.GroupsFast() && (day+1)*int64(oneDay) <= from && hours.countOpen(isOpen) <= fewOpen
		})
	})
	if err != nil {
		return nil, err
	}
	if unread := (hours.reached + 1) * int64(oneDay); !isWhole {
		if q.store.GroupsFast() || hours.reached < begin || unread > from {
			return nil, nil
		}
		hours.leaveOpen(since, unread, math.MaxUint64)
	}
	maps.DeleteFunc(hours.users, func(_ userAccount, seen *hoursSeen) bool { return !isOpen(seen) })
	return &hours, nil
}

// decidedHours are those hours of the week that a login between at and end was in, where it was between since and until; those that it may have been in are left
// open.
func (c *countedHours) decidedHours(hours hourSet, at, end, since, until int64) hourSet {
	switch {
	case end <= since || at >= until:
		return 0
	case at < since || end > until || hours&(hours-1) != 0: // it may have been in either of two
		c.leaveOpen(max(at, since), min(end, until), hours)
		return 0
	}
	return hours
}

func (c *countedHours) countOpen(isOpen func(*hoursSeen) bool) (count int) {
	for _, seen := range c.users {
		if isOpen(seen) {
			count++
		}
	}
	return count
}

func (c *countedHours) leaveOpen(from, until int64, hours hourSet) {
	c.open |= hours
	c.undecided = joinWindows(append(c.undecided, [2]int64{from, until}), mostWindows)
}

// addRow may have enough before a day that it has not met yet.
func (c *countedHours) addRow(row []query.Cell, texts map[string]string, isEnough func(day int64) bool) error {
	of := accountOfCells(row, texts)
	var numbers [4]int64
	for i := range numbers {
		var err error
		if cell := row[len(accountColumns)+i]; !cell.Absent {
			if numbers[i], err = strconv.ParseInt(cell.Text, 10, 64); err != nil {
				return err
			}
		}
	}
	seen := c.users[of]
	if seen == nil {
		seen = &hoursSeen{}
		c.users[of] = seen
	}
	if !row[query.HoursColumns-1].Absent && c.reached != numbers[3] {
		if c.reached = numbers[3]; isEnough(c.reached) {
			return query.ErrEnough
		}
	}
	if days := int(numbers[2]); days > 0 {
		if seen.days == 0 || numbers[3] < seen.first {
			seen.first = numbers[3]
		}
		seen.days += days
	}
	seen.now, seen.before = seen.now|hourSet(numbers[0]), seen.before|hourSet(numbers[1]) //nolint:gosec // bits
	return nil
}

// shiftHours says which hours in UTC become which of the week, as local says, on some days.
func (o Options) shiftHours(begin, days int64, local func(at, end int64) hourSet) (shifts []query.HourShift) {
	for day := range days {
		for hour := range hoursOfDay {
			at := (begin+day)*int64(oneDay) + int64(hour)*int64(time.Hour)
			for rest := local(at, at+int64(time.Hour)); rest != 0; rest &= rest - 1 {
				by := bits.TrailingZeros64(uint64(rest)) - hour
				i := slices.IndexFunc(shifts, func(s query.HourShift) bool { return s.By == by })
				if i < 0 {
					i, shifts = len(shifts), append(shifts, query.HourShift{By: by, Masks: make([]uint32, days)})
				}
				shifts[i].Masks[day] |= 1 << hour
			}
		}
	}
	return shifts
}

// hoursBetween are the hours of the week in the zone.
func (o Options) hoursBetween(begin, end int64) (hours hourSet) {
	for at := begin; at < end; at += int64(15 * time.Minute) { // zones change at these
		hours |= 1 << weekHour(at, o.Zone)
	}
	return hours
}
