package query

import (
	"context"
	"errors"
	"slices"
	"time"
)

// summaryAnswer is the summary of a store, if it has one.
type summaryAnswer struct {
	Summary
	known bool
}

// summaryOf is not known either where there is no time to ask for it.
func summaryOf(ctx context.Context, s Store, left timeBudget) (summaryAnswer, error) {
	ctx, cancel := left.contextWithGrace(ctx, 0)
	defer cancel()
	counted, known, err := s.Summary(ctx)
	if errors.Is(err, errTimeUp) {
		return summaryAnswer{}, nil
	}
	return summaryAnswer{counted, known}, err
}

// shareOf is the time that a question may spend on its range: most, where its history is counted.
func (c summaryAnswer) shareOf(limits Limits) Limits {
	if c.known {
		return Limits{Time: limits.Time - limits.Time/4}
	}
	return limits.halfOfTime()
}

// laterGrace is what look-ups have beyond the time of a question that has something to tell without them.
const laterGrace = 200 * time.Millisecond

// lookUpGrace is what the first look-ups have beyond the time of a question.
func (c summaryAnswer) lookUpGrace() time.Duration {
	if c.known {
		return laterGrace
	}
	return firstGrace
}

// pairsBefore are those of the pairs that logged in before a time. It is not known where the time is up before all are found.
func (c summaryAnswer) pairsBefore(ctx context.Context, s Store, left timeBudget, until int64, pairs map[userAddress]*loginGroup) (seen map[userAddress]bool, known bool, err error) {
	seen = map[userAddress]bool{}
	if !c.known {
		return seen, false, nil
	}
	ctx, cancel := left.contextWithGrace(ctx, 0)
	defer cancel()
	var cells [][]Cell
	for p := range pairs {
		if k := p.lookupKey(); !k.isCut() {
			cells = append(cells, []Cell{p.account.user.Cell, p.account.system.Cell, p.account.instance.Cell, p.address.Cell})
		}
	}
	texts := map[string]string{}
	for _, sql := range c.PairsBefore(cells, until) {
		for row, err := range s.Rows(ctx, sql, len(pairColumns)) {
			if errors.Is(err, errTimeUp) {
				return seen, false, nil
			}
			if err != nil {
				return nil, false, err
			}
			p := userAddress{account{user: wordOf(row[0], texts), system: wordOf(row[1], texts), instance: wordOf(row[2], texts)}, wordOf(row[3], texts)}
			if pairs[p] != nil {
				seen[p] = true
			}
		}
	}
	return seen, true, nil
}

// mostNewUsers are asked for by name.
const mostNewUsers = 50

// newUsersOfPairs are the users of all pairs that were not seen before a filter's time. They are not known where there are many, or where the filter names
// users itself.
func (c summaryAnswer) newUsersOfPairs(ctx context.Context, s Store, left timeBudget, f Filter) (users []fieldValue, known bool, err error) {
	from, _ := f.timeBounds()
	if !c.known || f.From.IsZero() || slices.ContainsFunc(f.Conditions, func(c Condition) bool { return c.Field.Column == "user_name" && !c.Exclude }) {
		return nil, false, nil
	}
	ctx, cancel := left.contextWithGrace(ctx, 0)
	defer cancel()
	texts, there := map[string]string{}, map[fieldValue]bool{}
	for _, sql := range c.PairsSince(from) {
		for row, err := range s.Rows(ctx, sql, len(pairColumns)) {
			if errors.Is(err, errTimeUp) {
				return nil, false, nil
			}
			if err != nil {
				return nil, false, err
			}
			if user := wordOf(row[0], texts); !there[user] {
				if there[user] = true; len(there) > mostNewUsers {
					return nil, false, nil
				}
				users = append(users, user)
			}
		}
	}
	return users, true, nil
}

// ofUsers is the filter for the events of some users.
func (f Filter) ofUsers(users []fieldValue) Filter {
	f.Conditions = slices.Clone(f.Conditions)
	for _, user := range users {
		f.Conditions = append(f.Conditions, user.conditionOn("user_name"))
	}
	return f
}

// coverageOfAll is that of an answer that has read nothing of the range.
func coverageOfAll(ctx context.Context, s Store, f Filter) (Coverage, error) {
	from, until, found, err := clipToExtent(ctx, s, f)
	if err != nil || !found {
		return Coverage{Complete: true}, err
	}
	return Coverage{Complete: true, From: time.Unix(0, from).UTC(), Until: time.Unix(0, until).UTC()}, nil
}

// daysOfStatement is how many days of hours are read at once.
const daysOfStatement = 7

// walkHours reads the hours of users' logins in the usual period before a time, the newest days first, as long as many are to be found.
func (o QuestionOptions) walkHours(ctx context.Context, s Store, counted summaryAnswer, left timeBudget, from int64, meet func(user account, hour int), toFind func() int) error {
	ctx, cancel := left.contextWithGrace(ctx, 0)
	defer cancel()
	texts, local, begin := map[string]string{}, map[int64][hoursOfDay]int{}, subtractDuration(from, o.UsualPeriod)
	for end := from/int64(oneDay) + 1; end*int64(oneDay) > begin && end > 0 && toFind() > fewKeys; end -= daysOfStatement {
		for row, err := range s.Rows(ctx, counted.HoursOfDays(end-daysOfStatement, end), 2+len(accountColumns)) {
			if errors.Is(err, errTimeUp) {
				return nil
			}
			if err != nil {
				return err
			}
			on, hours, err := twoNumbers(row[0].Text, row[1].Text)
			if err != nil {
				return err
			}
			user := account{user: wordOf(row[2], texts), system: wordOf(row[3], texts), instance: wordOf(row[4], texts)}
			if _, known := local[on]; !known {
				local[on] = o.localHours(on, begin, from)
			}
			for hour, of := range local[on] {
				if hours>>hour&1 == 1 && of >= 0 {
					meet(user, of)
				}
			}
		}
	}
	return nil
}

// localHours are the hours of the week of a day's hours in UTC: -1 where one is not within a time, or is of two hours in the zone.
func (o QuestionOptions) localHours(on, from, until int64) (hours [hoursOfDay]int) {
	for hour := range hours {
		at := on*int64(oneDay) + int64(hour)*int64(time.Hour)
		end := at + int64(time.Hour)
		hours[hour] = weekHour(at, o.Zone)
		if at < from || end > until || weekHour(end-1, o.Zone) != hours[hour] {
			hours[hour] = -1
		}
	}
	return hours
}
