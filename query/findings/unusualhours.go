package findings

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
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
	account userAccount
	hour    int
}

func (o Options) askUnusualHours(ctx context.Context, s query.Store, f query.Filter, limits query.Limits) (all []Finding, covered query.Coverage, err error) {
	from, _ := f.Bounds()
	q, err := o.askSummary(ctx, s, f, limits)
	if err != nil {
		return nil, query.Coverage{}, err
	}
	defer func() { covered.SQL = append(*q.counted.ran, covered.SQL...) }()
	var summed *countedHours
	if q.counted.known && from > math.MinInt64 {
		if summed, err = q.countHours(ctx, subtractDuration(from, o.UsualPeriod), func(t *hoursSeen) bool { return t.now&^t.before != 0 }); err != nil {
			return nil, query.Coverage{}, err
		}
	}
	if from == math.MinInt64 || summed != nil && len(summed.users) == 0 { // what was before all is not known
		covered, err = coverageOfAll(ctx, s, f)
		return nil, covered, err
	}
	hours, covered, err := q.hoursOf(ctx, summed)
	if err != nil {
		return nil, covered, err
	}
	all, err = q.findUnusualHours(ctx, summed, hours, &covered)
	return sortFindings(all), covered, err
}

func (q *historyQuestion) findUnusualHours(ctx context.Context, summed *countedHours, hours map[userHour]*loginGroup, covered *query.Coverage) (all []Finding, err error) {
	from, _ := q.filter.Bounds()
	history := hourHistory{Options: q.Options, from: from, usual: map[userAccount]bool{}, times: [][2]int64{{subtractDuration(from, q.UsualPeriod), from}}, open: math.MaxUint64}
	isSeen := func(hour userHour) bool { return summed.freshHours(hour.account)>>hour.hour&1 == 0 }
	if summed != nil {
		history.takeSummary(summed)
	} else if isSeen, err = q.seenInHour(ctx, from, hours); err != nil {
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
				all = append(all, q.unusualHourFinding(h, q.filter, hour, hours[hour]))
			}
		}
	}
	find(&historyReader{ctx: ctx, store: q.store}, decided)
	done, err := eachPart(ctx, q.store, q.left, hoursAtOnce, candidates, func(h *historyReader, part []userHour) error {
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
		startCoverageAfter(covered, hours[candidates[done]].last)
	}
	return all, err
}

// freshHours are a user's of the time that were not before.
func (c *countedHours) freshHours(of userAccount) hourSet {
	if summed := c.users[of]; summed != nil {
		return summed.now &^ summed.before
	}
	return 0
}

// hoursOf are the logins of a filter by user and hour: of those users alone who are in the summary.
func (q *historyQuestion) hoursOf(ctx context.Context, summed *countedHours) (map[userHour]*loginGroup, query.Coverage, error) {
	of, first := q.filter, firstOfLogins
	if summed != nil {
		of, first, _ = ofUsers(q.filter, summed.users)
	}
	q.counted.known = summed != nil
	hours := map[userHour]*loginGroup{}
	covered, err := q.eachLogin(ctx, q.store, of, first, successfulLogins, q.shareOfRange(), func(row *loginRow) error {
		if !row.account.user.Absent {
			addTo(hours, userHour{row.account, weekHour(row.at, q.Zone)}, row)
		}
		return nil
	})
	return hours, covered, err
}

// hourHistory is what is known of the time before a range.
type hourHistory struct {
	Options
	from  int64
	usual map[userAccount]bool // users with enough logins to have usual hours
	times [][2]int64           // in which hours may have been
	open  hourSet              // that may have been in these
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

// isDecided reports whether an hour that was not before is of a user of whom all is known.
func (h *hourHistory) isDecided(hour userHour) bool {
	return h.usual[hour.account] && h.open>>hour.hour&1 == 0
}

func (o Options) unusualHourFinding(h *historyReader, f query.Filter, hour userHour, l *loginGroup) Finding {
	from, _ := f.Bounds()
	one := l.newFinding("unusual-hours", hour.account, fieldValue{}, loginsWithin(f, l.first, l.last, append(hour.account.accountConditions(), outcomeIs(session.OutcomeSuccess))...))
	one.Sentence = o.unusualHourSentence(hour, l)
	since := subtractDuration(from, o.UsualPeriod)
	one.SQL = []string{h.sqlFor(accountColumns, []lookupKey{hour.account.lookupKey()}, since, from, o.withinHour(h.store, [][2]int64{{since, from}}, hour.hour))}
	return one
}

// seenInHour finds those of the hours of which a walk back from a time has met a login of their user.
func (q *historyQuestion) seenInHour(ctx context.Context, from int64, hours map[userHour]*loginGroup) (isSeen func(userHour) bool, err error) {
	seen := map[userHour]bool{}
	h := historyReader{ctx: ctx, store: q.store, left: q.left}
	err = h.walkBack(subtractDuration(from, q.UsualPeriod), from, func(row *loginRow) {
		if hour := (userHour{row.account, weekHour(row.at, q.Zone)}); hours[hour] != nil {
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
func (o Options) withinHour(s query.Store, times [][2]int64, hour int) string {
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
func (o Options) zoneOffsets(from, until int64) (spans []offsetSpan) {
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

func (o Options) hasUsualLogins(h *historyReader, from int64, user userAccount) (bool, error) {
	where, err := query.Filter{Conditions: user.accountConditions()}.SQLConditions(h.store)
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

func (o Options) unusualHourSentence(hour userHour, l *loginGroup) string {
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
