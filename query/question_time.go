package query

import (
	"cmp"
	"context"
	"errors"
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

func (o QuestionOptions) askUnusualHours(ctx context.Context, s Store, f Filter, limits Limits) (all []Finding, covered Coverage, err error) {
	left := newBudget(limits)
	from, _ := f.timeBounds()
	counted, err := summaryOf(ctx, s, left)
	if err != nil {
		return nil, Coverage{}, err
	}
	defer func() { covered.SQL = append(*counted.ran, covered.SQL...) }()
	var summed *countedHours
	if counted.known && from > math.MinInt64 {
		if summed, err = o.countHours(ctx, s, counted, left.mostOfRest(), f, subtractDuration(from, o.UsualPeriod), func(t *hoursSeen) bool { return t.now&^t.before != 0 }); err != nil {
			return nil, Coverage{}, err
		}
	}
	if from == math.MinInt64 || summed != nil && len(summed.users) == 0 { // what was before all is not known
		covered, err = coverageOfAll(ctx, s, f)
		return nil, covered, err
	}
	hours, covered, err := o.hoursOf(ctx, s, f, summed, counted, left)
	if err != nil {
		return nil, covered, err
	}
	all, err = o.findUnusualHours(ctx, s, f, summed, hours, left, &covered)
	return sortFindings(all), covered, err
}

func (o QuestionOptions) findUnusualHours(ctx context.Context, s Store, f Filter, summed *countedHours, hours map[userHour]*loginGroup, left timeBudget, covered *Coverage) (all []Finding, err error) {
	from, _ := f.timeBounds()
	history := hourHistory{QuestionOptions: o, from: from, usual: map[account]bool{}, times: [][2]int64{{subtractDuration(from, o.UsualPeriod), from}}, open: math.MaxUint64}
	isSeen := func(hour userHour) bool { return summed.freshHours(hour.account)>>hour.hour&1 == 0 }
	if summed != nil {
		history.takeSummary(summed)
	} else if isSeen, err = o.seenInHour(ctx, s, left, from, hours); err != nil {
		return nil, err
	}
	var decided, candidates []userHour
	for _, hour := range newestFirstKeys(hours) {
		switch {
		case isSeen(hour):
		case history.isDecided(hour):
			decided = append(decided, hour)
		default:
			candidates = append(candidates, hour)
		}
	}
	find := func(h *historyReader, part []userHour) {
		for _, hour := range part {
			if history.usual[hour.account] {
				all = append(all, o.unusualHourFinding(h, f, hour, hours[hour]))
			}
		}
	}
	find(&historyReader{ctx: ctx, store: s}, decided)
	done, err := eachPart(ctx, s, left, hoursAtOnce, candidates, func(h *historyReader, part []userHour) error {
		fresh, err := history.neverInHour(h, part)
		if err == nil {
			err = history.findUsualHours(h, fresh)
		}
		if err == nil {
			find(h, fresh)
		}
		return err
	})
	if done < len(candidates) {
		covered.notBefore(hours[candidates[done]].last)
	}
	return all, err
}

// freshHours are a user's of the time that were not before.
func (c *countedHours) freshHours(of account) hourSet {
	if summed := c.users[of]; summed != nil {
		return summed.now &^ summed.before
	}
	return 0
}

// hoursOf are the logins of a filter by user and hour: of those users alone who are in the summary.
func (o QuestionOptions) hoursOf(ctx context.Context, s Store, f Filter, summed *countedHours, counted summaryAnswer, left timeBudget) (map[userHour]*loginGroup, Coverage, error) {
	of, first := f, firstSlice
	if summed != nil {
		of, first, _ = ofUsers(f, summed.users)
	}
	counted.known = summed != nil
	hours := map[userHour]*loginGroup{}
	covered, err := o.eachLogin(ctx, s, of, first, successfulLogins, counted.shareOf(left.remainingLimits()), func(row *loginRow) error {
		if !row.account.user.Absent {
			addTo(hours, userHour{row.account, weekHour(row.at, o.Zone)}, row)
		}
		return nil
	})
	return hours, covered, err
}

// hourHistory is what is known of the time before a range.
type hourHistory struct {
	QuestionOptions
	from  int64
	usual map[account]bool // users with enough logins to have usual hours
	times [][2]int64       // in which hours may have been
	open  hourSet          // that may have been in these
}

func (h *hourHistory) takeSummary(summed *countedHours) {
	h.times, h.open = summed.undecided, summed.open
	old := subtractDuration(h.from, h.UsualSince)
	for user, hours := range summed.users {
		if hours.days >= h.UsualLogins && (hours.first+1)*int64(oneDay) <= old {
			h.usual[user] = true
		}
	}
}

// isDecided tells of an hour that was not before, and of whose user all is known.
func (h *hourHistory) isDecided(hour userHour) bool {
	return h.usual[hour.account] && h.open>>hour.hour&1 == 0
}

func (o QuestionOptions) unusualHourFinding(h *historyReader, f Filter, hour userHour, l *loginGroup) Finding {
	from, _ := f.timeBounds()
	one := l.newFinding("unusual-hours", hour.account, fieldValue{}, f.withConditions(l.first, l.last, append(hour.account.accountConditions(), outcomeIs(succeeded))...))
	one.Sentence = o.unusualHourSentence(hour, l)
	since := subtractDuration(from, o.UsualPeriod)
	one.SQL = []string{h.sqlFor(accountColumns, []lookupKey{hour.account.lookupKey()}, since, from, o.withinHour(h.store, [][2]int64{{since, from}}, hour.hour))}
	return one
}

// seenInHour tells of which of the hours a walk back from a time has met a login of their user.
func (o QuestionOptions) seenInHour(ctx context.Context, s Store, left timeBudget, from int64, hours map[userHour]*loginGroup) (isSeen func(userHour) bool, err error) {
	seen := map[userHour]bool{}
	h := historyReader{ctx: ctx, store: s, left: left}
	err = h.walkBack(subtractDuration(from, o.UsualPeriod), from, func(row *loginRow) {
		if hour := (userHour{row.account, weekHour(row.at, o.Zone)}); hours[hour] != nil {
			seen[hour] = true
		}
	}, func() int { return len(hours) - len(seen) })
	return func(hour userHour) bool { return seen[hour] }, err
}

// neverInHour are those of some hours that were in none of the times before.
func (h *hourHistory) neverInHour(reader *historyReader, all []userHour) (fresh []userHour, err error) {
	byHour := map[int][]lookupKey{}
	for _, hour := range all {
		if h.open>>hour.hour&1 == 1 {
			byHour[hour.hour] = append(byHour[hour.hour], hour.account.lookupKey())
		}
	}
	times := map[int]map[string]int64{}
	for hour, users := range byHour {
		if times[hour], _, err = reader.newestOf(accountColumns, users, h.times[0][0], h.times[len(h.times)-1][1], h.withinHour(reader.store, h.times, hour)); err != nil {
			return nil, err
		}
	}
	for _, hour := range all {
		if _, seen := times[hour.hour][hour.account.lookupKey().String()]; !seen {
			fresh = append(fresh, hour)
		}
	}
	return fresh, nil
}

// withinHour is the condition of those of some times that are in an hour of the week: of each time with one offset from UTC by itself.
func (o QuestionOptions) withinHour(s Store, times [][2]int64, hour int) string {
	days := " NOT IN (0, 6)"
	if hour >= hoursOfDay {
		days = " IN (0, 6)"
	}
	var some []string
	ns := s.Nanoseconds()
	for _, of := range times {
		for _, span := range o.zoneOffsets(of[0], of[1]) {
			local := "(" + ns + " + " + strconv.FormatInt(span.offset, 10) + ")"
			some = append(some, fmt.Sprintf("%s AND %s %% 24 = %d AND (%s + 4) %% 7%s", s.Between(span.from, span.until), s.Divide(local, int64(time.Hour)), hour%hoursOfDay, s.Divide(local, int64(oneDay)), days))
		}
	}
	return " AND (" + strings.Join(some, " OR ") + ")"
}

// offsetSpan is a time in which a zone has one offset, in nanoseconds.
type offsetSpan struct{ from, until, offset int64 }

// zoneOffsets are those of the zone in a time. It changes at full quarters of an hour.
func (o QuestionOptions) zoneOffsets(from, until int64) (spans []offsetSpan) {
	const step = int64(15 * time.Minute)
	offsetAt := func(at int64) int64 {
		_, seconds := time.Unix(0, at).In(o.Zone).Zone()
		return int64(seconds) * int64(time.Second)
	}
	for at := from; at < until; at = at - at%step + step {
		if offset := offsetAt(at); len(spans) == 0 || spans[len(spans)-1].offset != offset {
			spans = append(spans, offsetSpan{at, until, offset})
			if n := len(spans); n > 1 {
				spans[n-2].until = at
			}
		}
	}
	return spans
}

func (h *hourHistory) findUsualHours(reader *historyReader, fresh []userHour) error {
	var users []lookupKey
	for _, hour := range fresh {
		if _, asked := h.usual[hour.account]; !asked {
			h.usual[hour.account] = false
			users = append(users, hour.account.lookupKey())
		}
	}
	times, _, err := reader.newestOf(accountColumns, users, subtractDuration(h.from, h.UsualPeriod), subtractDuration(h.from, h.UsualSince), "")
	if err != nil {
		return err
	}
	for _, k := range users {
		if _, old := times[k.String()]; old {
			if h.usual[k.accountOf()], err = h.hasUsualLogins(reader, h.from, k.accountOf()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o QuestionOptions) hasUsualLogins(h *historyReader, from int64, user account) (bool, error) {
	where, err := Filter{Conditions: user.accountConditions()}.sqlConditions(h.store)
	if err != nil {
		return false, err
	}
	sql := h.store.Select("1") + " FROM " + h.store.Table() + " WHERE " + strings.Join(append([]string{h.store.Between(subtractDuration(from, o.UsualPeriod), from)}, where...), " AND ") +
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

func (o QuestionOptions) unusualHourSentence(hour userHour, l *loginGroup) string {
	kind := "working days"
	if hour.hour >= hoursOfDay {
		kind = "weekends"
	}
	newest := l.newestRow()
	from := ""
	if !newest.address.Absent {
		from = " from " + newest.address.quotedText()
	}
	return fmt.Sprintf("%s logged in%s%s at %s: on %s not between %02d:00 and %02d:59 in the %s before.", hour.account.user.quotedText(), hour.account.placeText(), from,
		time.Unix(0, newest.at).In(o.Zone).Format("2006-01-02 15:04:05 MST"), kind, hour.hour%hoursOfDay, hour.hour%hoursOfDay, durationText(o.UsualPeriod))
}

// accountPeriod is some time of a user's logins.
type accountPeriod struct {
	account account
	begin   int64
}

func (o QuestionOptions) askReturnedAccounts(ctx context.Context, s Store, f Filter, limits Limits) (all []Finding, covered Coverage, err error) {
	left := newBudget(limits)
	counted, err := summaryOf(ctx, s, left)
	var away map[account]*hoursSeen
	if err == nil && counted.known {
		away, err = o.usersAway(ctx, s, counted, left.mostOfRest(), f)
	}
	if err != nil {
		return nil, Coverage{}, err
	}
	defer func() { covered.SQL = append(*counted.ran, covered.SQL...) }()
	if away != nil && len(away) == 0 {
		covered, err = coverageOfAll(ctx, s, f)
		return nil, covered, err
	}
	of, first, possible := ofUsers(f, away)
	counted.known = possible
	accounts, stretches := map[account]*loginGroup{}, map[accountPeriod]*loginGroup{}
	width := int64(o.UnusedFor) / 4 // two logins with so much time between them are not in one
	covered, err = o.eachLogin(ctx, s, of, first, successfulLogins, counted.shareOf(left.remainingLimits()), func(row *loginRow) error {
		if !row.account.user.Absent {
			addTo(accounts, row.account, row)
			addTo(stretches, accountPeriod{row.account, row.at - row.at%width}, row)
		}
		return nil
	})
	if err != nil {
		return nil, covered, err
	}
	ctx, cancel := left.contextWithGrace(ctx, lookUpGrace)
	defer cancel()
	h := historyReader{ctx: ctx, store: s, left: left}
	byUser := map[account][]*loginGroup{}
	for of, some := range stretches {
		byUser[of.account] = append(byUser[of.account], some)
	}
	users := newestFirstKeys(accounts)
	var returns []loginsBack
	for _, user := range users {
		returns = append(returns, o.possibleReturns(user, byUser[user])...)
	}
	all, err = o.lookForReturns(&h, f, returns, !counted.known, &covered)
	return sortFindings(all), covered, err
}

// usersAway are the users who logged in in a filter's time, as far as the summary knows no login of theirs in the time before it that makes an account unused;
// nil where it cannot tell, as of a range in which an account may have been unused.
func (o QuestionOptions) usersAway(ctx context.Context, s Store, counted summaryAnswer, left timeBudget, f Filter) (away map[account]*hoursSeen, err error) {
	from, until, found, err := clipToExtent(ctx, s, f)
	since := subtractDuration(until, o.UnusedFor)
	if err != nil || !found || since >= from {
		return nil, err
	}
	o.Zone = time.UTC // any hour will do
	summed, err := o.countHours(ctx, s, counted, left, f, since, func(t *hoursSeen) bool { return t.now != 0 && t.before == 0 })
	if err != nil || summed == nil {
		return nil, err
	}
	return summed.users, nil
}

// loginsBack are the logins of a user from the first one after a time without, as far as the range tells.
type loginsBack struct {
	account account
	loginGroup
	isOldest bool // none of the range is before them
}

func (o QuestionOptions) possibleReturns(user account, stretches []*loginGroup) (returns []loginsBack) {
	slices.SortFunc(stretches, func(a, b *loginGroup) int { return cmp.Compare(b.first, a.first) })
	back := loginGroup{last: math.MinInt64}
	for i, some := range stretches {
		back.count += some.count
		back.oldest, back.first, back.last = some.oldest, some.first, max(back.last, some.last)
		back.newest = append(slices.Clone(back.newest), some.newest...)
		isOldest := i+1 == len(stretches)
		if isOldest || some.first-stretches[i+1].last >= int64(o.UnusedFor) {
			returns = append(returns, loginsBack{user, back, isOldest})
		}
	}
	return returns
}

func (o QuestionOptions) lookForReturns(h *historyReader, f Filter, returns []loginsBack, walks bool, covered *Coverage) (all []Finding, err error) {
	from, _ := f.timeBounds()
	lastUse, unasked, err := h.lastUses(from, returns, walks)
	if err != nil {
		return nil, err
	}
	reported := map[account]bool{}
	for _, r := range returns {
		if reported[r.account] || r.isOldest && !o.mayBeBack(f, r, lastUse) {
			continue
		}
		if h.left.isSpent() || unasked[r.account] {
			covered.notBefore(r.last)
			continue
		}
		before, found, sql, err := h.newestLogin(r.account, math.MinInt64, r.first)
		if errors.Is(err, errTimeUp) {
			covered.notBefore(r.last)
			continue
		}
		if err != nil {
			return nil, err
		}
		if found && before <= subtractDuration(r.first, o.UnusedFor) {
			reported[r.account] = true
			all = append(all, returnFinding(f, r, before, sql))
		}
	}
	return all, nil
}

// lastUses are the newest logins of users before a time; it may walk back to them. Those for which there was no time are unasked.
func (h *historyReader) lastUses(from int64, returns []loginsBack, walks bool) (lastUse map[account]int64, unasked map[account]bool, err error) {
	lastUse, unasked = map[account]int64{}, map[account]bool{}
	wanted := map[account]bool{}
	for _, r := range returns {
		wanted[r.account] = true
	}
	if walks {
		err = h.walkBack(math.MinInt64, from, func(row *loginRow) {
			if at, known := lastUse[row.account]; wanted[row.account] && (!known || at < row.at) {
				lastUse[row.account] = row.at
			}
		}, func() int { return len(wanted) - len(lastUse) })
	}
	if err != nil || from == math.MinInt64 {
		return lastUse, unasked, err
	}
	var users []lookupKey
	for _, r := range returns {
		if _, known := lastUse[r.account]; !known && wanted[r.account] {
			wanted[r.account] = false // once
			users = append(users, r.account.lookupKey())
		}
	}
	times, done, err := h.newestOf(accountColumns, users, math.MinInt64, from, "")
	if errors.Is(err, errTimeUp) {
		err = nil
	}
	for i, k := range users {
		if at, known := times[k.String()]; known {
			lastUse[k.accountOf()] = at
		}
		unasked[k.accountOf()] = i >= done
	}
	return lastUse, unasked, err
}

// mayBeBack tells whether a user's first logins in the range may be a return, by his last one before it. Where the filter leaves logins out, the
// range may have others before them.
func (o QuestionOptions) mayBeBack(f Filter, r loginsBack, lastUse map[account]int64) bool {
	from, _ := f.timeBounds()
	if at, known := lastUse[r.account]; known {
		return at <= subtractDuration(r.first, o.UnusedFor)
	}
	return len(f.Conditions) > 0 && from <= subtractDuration(r.first, o.UnusedFor)
}

func returnFinding(f Filter, r loginsBack, before int64, sql string) Finding {
	one := r.newFinding("returned-accounts", r.account, fieldValue{}, f.withConditions(r.first, r.last, append(r.account.accountConditions(), outcomeIs(succeeded))...))
	from := ""
	if first := slices.MinFunc(r.newest, loginRow.compareRow); !first.address.Absent && first.at == r.first {
		from = " from " + first.address.quotedText()
	}
	one.Sentence = fmt.Sprintf("%s logged in%s%s at %s, the first time since %s (%s).", r.account.user.quotedText(), r.account.placeText(), from, momentOf(r.first), dayOf(before),
		durationText(time.Duration(r.first-before).Round(oneDay)))
	one.SQL = []string{sql}
	return one
}
