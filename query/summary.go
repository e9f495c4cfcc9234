package query

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"
)

// summaryAnswer is the summary of a store, if it has one.
type summaryAnswer struct {
	Summary
	known bool
	ran   *[]string // statements
}

// summaryOf is not known either where there is no time to ask for it.
func summaryOf(ctx context.Context, s Store, left timeBudget) (summaryAnswer, error) {
	ctx, cancel := left.contextWithGrace(ctx, 0)
	defer cancel()
	counted, known, err := s.Summary(ctx)
	if errors.Is(err, errTimeUp) {
		known, err = false, nil
	}
	return summaryAnswer{counted, known, new([]string)}, err
}

// shareOf is the time that a question may spend on its range: most, where its history is counted.
func (c summaryAnswer) shareOf(limits Limits) Limits {
	if c.known {
		return Limits{Time: limits.Time - limits.Time/4}
	}
	return limits.halfOfTime()
}

// lookUpGrace is what the first look-ups have beyond the time of a question.
const lookUpGrace = 200 * time.Millisecond

// eachRow reads a statement of the summary. What it told is not all where isWhole is false: the time was up.
func (c summaryAnswer) eachRow(ctx context.Context, s Store, left timeBudget, sql string, expressions int, do func(row []Cell) error) (isWhole bool, err error) {
	ctx, cancel := left.contextWithGrace(ctx, 0)
	defer cancel()
	if len(*c.ran) < keptSQLTexts {
		*c.ran = append(*c.ran, sql)
	}
	for row, err := range s.Rows(ctx, sql, expressions) {
		if errors.Is(err, errTimeUp) {
			return false, nil
		}
		if err == nil {
			err = do(row)
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// newPairs are the pairs that were not seen before a time; nil where that is not known.
func (c summaryAnswer) newPairs(ctx context.Context, s Store, left timeBudget, from int64) (fresh map[userAddress]bool, err error) {
	if !c.known || from == math.MinInt64 {
		return nil, nil
	}
	texts, all := map[string]string{}, map[userAddress]bool{}
	isWhole, err := c.eachRow(ctx, s, left.halfOfRest(), c.NewPairs(from), len(pairColumns), func(row []Cell) error {
		all[userAddress{accountOfCells(row, texts), wordOf(row[len(accountColumns)], texts)}] = true
		return nil
	})
	if err != nil || !isWhole {
		return nil, err
	}
	return all, nil
}

// accountOfCells reads a row that begins with accountColumns.
func accountOfCells(row []Cell, texts map[string]string) account {
	return account{user: wordOf(row[0], texts), system: wordOf(row[1], texts), instance: wordOf(row[2], texts)}
}

const (
	mostNamedUsers = 500 // are asked for by name
	firstOfUsers   = 24 * time.Hour
)

// ofUsers is the filter for the events of the users of some accounts, and how wide its first slice is to be. It is not possible where they are many, or where
// the filter names users itself.
func ofUsers[V any](f Filter, accounts map[account]V) (of Filter, first time.Duration, possible bool) {
	users, text := map[fieldValue]bool{}, 0
	for a := range accounts {
		if !users[a.user] {
			users[a.user] = true
			text += len(a.user.Text)
		}
	}
	namesUsers := slices.ContainsFunc(f.Conditions, func(c Condition) bool { return c.Field.Column == "user_name" && !c.Exclude })
	if len(users) == 0 || len(users) > mostNamedUsers || text > mostTextOfStatement || namesUsers {
		return f, firstSlice, false
	}
	f.Conditions = slices.Clone(f.Conditions)
	for user := range users {
		f.Conditions = append(f.Conditions, user.conditionOn("user_name"))
	}
	return f, firstOfUsers, true
}

// coverageOfAll is that of an answer that has read nothing of the range.
func coverageOfAll(ctx context.Context, s Store, f Filter) (Coverage, error) {
	from, until, found, err := clipToExtent(ctx, s, f)
	if err != nil || !found {
		return Coverage{Complete: true}, err
	}
	return Coverage{Complete: true, From: time.Unix(0, from).UTC(), Until: time.Unix(0, until).UTC()}, nil
}

// hourSet has a bit for each hour of the week.
type hourSet uint64

// hoursWithin are the hours of the week in which users logged in within a time: some others too; nil where the time is up.
func (o QuestionOptions) hoursWithin(ctx context.Context, s Store, counted summaryAnswer, left timeBudget, from, until int64) (hours map[account]hourSet, err error) {
	if from < 0 || from >= until {
		return nil, nil
	}
	hours = map[account]hourSet{}
	isWhole, err := o.readHours(ctx, s, counted, left.halfOfRest(), counted.HoursWithin(from, until), func(begin, end int64) hourSet {
		if begin >= until || end <= from {
			return 0
		}
		return o.hoursBetween(begin, end)
	}, func(user account, some hourSet) { hours[user] |= some })
	if err != nil || !isWhole {
		return nil, err
	}
	return hours, nil
}

// firstDays are read at once; then twice as many.
const firstDays = 7

// walkHours reads the hours of users' logins from one time up to another, the newest days first, for half of the time that is left, until meet wants no more.
func (o QuestionOptions) walkHours(ctx context.Context, s Store, counted summaryAnswer, left timeBudget, from, until int64, wantsMore func() bool, meet func(user account, hours hourSet)) error {
	left = left.halfOfRest()
	oldest, days := max(0, from/int64(oneDay)), int64(firstDays)
	for end := until/int64(oneDay) + 1; end > oldest && wantsMore(); {
		begin := o.beginOfAlike(max(oldest, end-days), end, from, until)
		isWhole, err := o.readHours(ctx, s, counted, left, counted.HoursOfDays(begin, end), func(begin, end int64) hourSet {
			hours := o.hoursBetween(begin, end)
			if begin < from || end > until || hours&(hours-1) != 0 { // it may have been in either of two
				return 0
			}
			return hours
		}, meet)
		if err != nil || !isWhole {
			return err
		}
		end, days = begin, max(days, 2*(end-begin))
	}
	return nil
}

// beginOfAlike is the first of the days before end of which each may stand for others of its weekday: they are wholly within the time, and have one offset from
// UTC. It is the last day where that is none of them.
func (o QuestionOptions) beginOfAlike(oldest, end, from, until int64) int64 {
	begin := end - 1
	isAlike := func(day int64) bool {
		return day*int64(oneDay) >= from && (day+1)*int64(oneDay) <= until && len(o.zoneOffsets(day*int64(oneDay), min(day+2, end)*int64(oneDay))) == 1
	}
	for isAlike(begin) && begin > oldest && isAlike(begin-1) {
		begin--
	}
	return begin
}

// readHours hands out the hours of rows, of whose hours in UTC local tells the hours of the week.
func (o QuestionOptions) readHours(ctx context.Context, s Store, counted summaryAnswer, left timeBudget, sql string, local func(begin, end int64) hourSet, do func(user account, hours hourSet)) (isWhole bool, err error) {
	texts, days := map[string]string{}, map[int64]*[hoursOfDay]hourSet{}
	return counted.eachRow(ctx, s, left, sql, 2+len(accountColumns), func(row []Cell) error {
		day, utc, err := twoNumbers(row[0].Text, row[1].Text)
		if err != nil {
			return err
		}
		if days[day] == nil {
			days[day] = new([hoursOfDay]hourSet)
			for hour := range days[day] {
				begin := day*int64(oneDay) + int64(hour)*int64(time.Hour)
				days[day][hour] = local(begin, begin+int64(time.Hour))
			}
		}
		var hours hourSet
		for hour, some := range days[day] {
			if utc>>hour&1 == 1 {
				hours |= some
			}
		}
		if hours != 0 {
			do(accountOfCells(row[2:], texts), hours)
		}
		return nil
	})
}

// hoursBetween are the hours of the week in the zone.
func (o QuestionOptions) hoursBetween(begin, end int64) (hours hourSet) {
	for at := begin; at < end; at += int64(15 * time.Minute) { // zones change at these
		hours |= 1 << weekHour(at, o.Zone)
	}
	return hours
}
