package query

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	hoursOfDay = 24
	weekHours  = 2 * hoursOfDay // those of working days, then those of weekends
)

// weekHour is the hour of a day in a zone, in one of the two kinds of days.
func weekHour(at int64, zone *time.Location) int {
	t := time.Unix(0, at).In(zone)
	if weekday := t.Weekday(); weekday == time.Saturday || weekday == time.Sunday {
		return hoursOfDay + t.Hour()
	}
	return t.Hour()
}

// userHour is a user's hour.
type userHour struct {
	account account
	hour    int
}

func (o QuestionOptions) askUnusualHours(ctx context.Context, s Store, f Filter, limits Limits) ([]Finding, Coverage, error) {
	left := newBudget(limits)
	hours := map[userHour]*logins{}
	covered, err := eachLogin(ctx, s, f, successfulLogins, limits.half(), func(row *loginRow) error {
		if !row.account.user.Absent {
			addTo(hours, userHour{row.account, weekHour(row.at, o.Zone)}, row)
		}
		return nil
	})
	from, _ := f.bounds()
	if err != nil || from == math.MinInt64 {
		return nil, covered, err
	}
	h := history{ctx: ctx, store: s, left: left}
	usual := map[account]bool{}
	var all []Finding
	for _, hour := range newestFirstKeys(hours) {
		if left.isSpent() {
			covered.notBefore(hours[hour].last)
			break
		}
		_, seen, sql, err := h.newest(earlier(from, o.UsualPeriod), from, o.withinHour(s, from, hour.hour), hour.account.conditions()...)
		if err != nil {
			return nil, covered, err
		}
		if seen {
			continue
		}
		is, known := usual[hour.account]
		if !known {
			if is, err = o.hasUsualHours(&h, from, hour.account); err != nil {
				return nil, covered, err
			}
			usual[hour.account] = is
		}
		if is {
			one := hours[hour].finding("unusual-hours", hour.account, word{}, f.shows(hours[hour].first, hours[hour].last, append(hour.account.conditions(), outcomeIs(succeeded))...))
			one.Sentence = o.tellHour(hour, hours[hour])
			one.SQL = []string{sql}
			all = append(all, one)
		}
	}
	return sortFindings(all), covered, nil
}

// withinHour is the condition of the times in the usual period that are in an hour of the week.
func (o QuestionOptions) withinHour(s Store, from int64, hour int) string {
	var some []string
	until := time.Unix(0, from).In(o.Zone)
	for days := 0; ; days++ {
		begin := time.Date(until.Year(), until.Month(), until.Day()-days, hour%hoursOfDay, 0, 0, 0, o.Zone)
		if begin.UnixNano()+int64(time.Hour) <= earlier(from, o.UsualPeriod) {
			break
		}
		if weekHour(begin.UnixNano(), o.Zone) != hour {
			continue
		}
		end := begin.Add(time.Hour)
		for weekHour(end.UnixNano(), o.Zone) == hour { // an hour that is there twice, when summer ends
			end = end.Add(time.Hour)
		}
		some = append(some, s.Between(begin.UnixNano(), end.UnixNano()))
	}
	if len(some) == 0 {
		return " AND " + nothing
	}
	return " AND (" + strings.Join(some, " OR ") + ")"
}

// hasUsualHours tells whether there are enough logins of a user, since long enough, to say what is usual.
func (o QuestionOptions) hasUsualHours(h *history, from int64, user account) (bool, error) {
	_, old, _, err := h.newest(earlier(from, o.UsualPeriod), earlier(from, o.UsualSince), "", user.conditions()...)
	if err != nil || !old {
		return false, err
	}
	where, err := Filter{Conditions: user.conditions()}.conditions(h.store)
	if err != nil {
		return false, err
	}
	sql := h.store.Select("1") + " FROM " + h.store.Table() + " WHERE " + strings.Join(append([]string{h.store.Between(earlier(from, o.UsualPeriod), from)}, where...), " AND ") +
		successfulLogins() + " LIMIT " + strconv.Itoa(o.UsualLogins)
	rows := 0
	for _, err := range h.store.Rows(h.ctx, sql, 1) {
		if err != nil {
			return false, err
		}
		rows++
	}
	return rows >= o.UsualLogins, nil
}

func (o QuestionOptions) tellHour(hour userHour, l *logins) string {
	kind := "working days"
	if hour.hour >= hoursOfDay {
		kind = "weekends"
	}
	newest := l.newestRow()
	from := ""
	if !newest.address.Absent {
		from = " from " + newest.address.quoted()
	}
	return fmt.Sprintf("%s logged in%s%s at %s: on %s not between %02d:00 and %02d:59 in the %s before.", hour.account.user.quoted(), hour.account.where(), from,
		time.Unix(0, newest.at).In(o.Zone).Format("2006-01-02 15:04:05 MST"), kind, hour.hour%hoursOfDay, hour.hour%hoursOfDay, daysOf(o.UsualPeriod))
}

// stretch is some time of a user's logins.
type stretch struct {
	account account
	begin   int64
}

func (o QuestionOptions) askReturnedAccounts(ctx context.Context, s Store, f Filter, limits Limits) ([]Finding, Coverage, error) {
	left := newBudget(limits)
	accounts, stretches := map[account]*logins{}, map[stretch]*logins{}
	width := int64(o.UnusedFor) / 4 // two logins with so much time between them are not in one
	covered, err := eachLogin(ctx, s, f, successfulLogins, limits.half(), func(row *loginRow) error {
		if !row.account.user.Absent {
			addTo(accounts, row.account, row)
			addTo(stretches, stretch{row.account, row.at - row.at%width}, row)
		}
		return nil
	})
	if err != nil {
		return nil, covered, err
	}
	h := history{ctx: ctx, store: s, left: left}
	byUser := map[account][]*logins{}
	for of, some := range stretches {
		byUser[of.account] = append(byUser[of.account], some)
	}
	var all []Finding
	for _, user := range newestFirstKeys(accounts) {
		if left.isSpent() {
			covered.notBefore(accounts[user].last)
			break
		}
		one, err := o.lookForReturn(&h, f, user, byUser[user])
		if err != nil {
			return nil, covered, err
		}
		if one != nil {
			all = append(all, *one)
		}
	}
	return sortFindings(all), covered, nil
}

// lookForReturn finds the newest time that a user was away for long.
func (o QuestionOptions) lookForReturn(h *history, f Filter, user account, stretches []*logins) (*Finding, error) {
	slices.SortFunc(stretches, func(a, b *logins) int { return cmp.Compare(b.first, a.first) })
	back := logins{last: math.MinInt64}
	for i, some := range stretches {
		back.count += some.count
		back.first, back.last = some.first, max(back.last, some.last)
		back.newest = append(back.newest, some.newest...)
		if i+1 < len(stretches) && some.first-stretches[i+1].last < int64(o.UnusedFor) {
			continue
		}
		before, found, ran, err := h.newest(math.MinInt64, some.first, "", user.conditions()...)
		if err != nil || !found {
			return nil, err
		}
		if before > earlier(some.first, o.UnusedFor) {
			continue
		}
		one := back.finding("returned-accounts", user, word{}, f.shows(back.first, back.last, append(user.conditions(), outcomeIs(succeeded))...))
		from := ""
		if first := slices.MinFunc(some.newest, loginRow.compare); !first.address.Absent && first.at == some.first {
			from = " from " + first.address.quoted()
		}
		one.Sentence = fmt.Sprintf("%s logged in%s%s at %s, the first time since %s (%s).", user.user.quoted(), user.where(), from, momentOf(some.first), dayOf(before),
			daysOf(time.Duration(some.first-before).Round(day)))
		one.SQL = []string{ran}
		return &one, nil
	}
	return nil, nil
}
