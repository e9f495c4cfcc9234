package findings

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/query/internal/timebudget"
	"github.com/otel-sessionlog/sessionlog/session"
)

// accountPeriod is some time of a user's logins.
type accountPeriod struct {
	account userAccount
	begin   int64
}

func (o Options) askReturnedAccounts(ctx context.Context, s query.Store, f query.Filter, limits query.Limits) (all []Finding, covered query.Coverage, err error) {
	q, err := o.askSummary(ctx, s, f, limits)
	var away map[userAccount]*hoursSeen
	if err == nil && q.counted.known {
		away, err = q.usersAway(ctx)
	}
	if err != nil {
		return nil, query.Coverage{}, err
	}
	defer func() { covered.SQL = append(*q.counted.ran, covered.SQL...) }()
	if away != nil && len(away) == 0 {
		covered, err = coverageOfAll(ctx, s, f)
		return nil, covered, err
	}
	of, first, possible := ofUsers(f, away)
	q.counted.known = possible
	accounts, stretches := map[userAccount]*loginGroup{}, map[accountPeriod]*loginGroup{}
	width := int64(o.UnusedFor) / 4 // two logins with so much time between them are not in one
	covered, err = o.eachLogin(ctx, s, of, first, successfulLogins, q.shareOfRange(), func(row *loginRow) error {
		if !row.account.user.Absent {
			addTo(accounts, row.account, row)
			addTo(stretches, accountPeriod{row.account, row.at - row.at%width}, row)
		}
		return nil
	})
	if err != nil {
		return nil, covered, err
	}
	ctx, cancel := q.left.WithContext(ctx, lookUpGrace)
	defer cancel()
	h := historyReader{ctx: ctx, store: s, left: q.left}
	all, err = o.lookForReturns(&h, f, o.returnsNewestFirst(accounts, stretches), !q.counted.known, &covered)
	return sortFindings(all), covered, err
}

// usersAway are the users who logged in in a filter's time, as far as the summary knows no login of theirs in the time before it that makes an account unused;
// nil where it does not know, as of a range in which an account may have been unused.
func (q *historyQuestion) usersAway(ctx context.Context) (away map[userAccount]*hoursSeen, err error) {
	from, until, found, err := q.filter.StoredBounds(ctx, q.store)
	since := subtractDuration(until, q.UnusedFor)
	if err != nil || !found || since >= from {
		return nil, err
	}
	inAnyZone := *q // any hour will do
	inAnyZone.Zone = time.UTC
	summed, err := inAnyZone.countHours(ctx, since, func(t *hoursSeen) bool { return t.now != 0 && t.before == 0 })
	if err != nil || summed == nil {
		return nil, err
	}
	return summed.users, nil
}

// loginsBack are the logins of a user from the first one after a time without, as far as the range shows.
type loginsBack struct {
	account userAccount
	loginGroup
	isOldest bool // none of the range is before them
}

func (o Options) returnsNewestFirst(accounts map[userAccount]*loginGroup, stretches map[accountPeriod]*loginGroup) (returns []loginsBack) {
	byUser := map[userAccount][]*loginGroup{}
	for of, some := range stretches {
		byUser[of.account] = append(byUser[of.account], some)
	}
	for _, user := range newestFirstKeys(accounts) {
		returns = append(returns, o.possibleReturns(user, byUser[user])...)
	}
	return returns
}

func (o Options) possibleReturns(user userAccount, stretches []*loginGroup) (returns []loginsBack) {
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

func (o Options) lookForReturns(h *historyReader, f query.Filter, returns []loginsBack, walks bool, covered *query.Coverage) (all []Finding, err error) {
	from, _ := f.Bounds()
	lastUse, unasked, err := h.lastUses(from, returns, walks)
	if err != nil {
		return nil, err
	}
	reported := map[userAccount]bool{}
	for _, r := range returns {
		if reported[r.account] || r.isOldest && !o.mayBeBack(f, r, lastUse) {
			continue
		}
		if h.left.IsSpent() || unasked[r.account] {
			startCoverageAfter(covered, r.last)
			continue
		}
		before, found, sql, err := h.newestLogin(r.account, math.MinInt64, r.first)
		if errors.Is(err, timebudget.ErrTimeUp) {
			startCoverageAfter(covered, r.last)
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
func (h *historyReader) lastUses(from int64, returns []loginsBack, walks bool) (lastUse map[userAccount]int64, unasked map[userAccount]bool, err error) {
	lastUse, unasked = map[userAccount]int64{}, map[userAccount]bool{}
	wanted := map[userAccount]bool{}
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
	if errors.Is(err, timebudget.ErrTimeUp) {
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

// mayBeBack reports whether a user's first logins in the range may be a return, by his last one before it. Where the filter leaves logins out, the
// range may have others before them.
func (o Options) mayBeBack(f query.Filter, r loginsBack, lastUse map[userAccount]int64) bool {
	from, _ := f.Bounds()
	if at, known := lastUse[r.account]; known {
		return at <= subtractDuration(r.first, o.UnusedFor)
	}
	return len(f.Conditions) > 0 && from <= subtractDuration(r.first, o.UnusedFor)
}

func returnFinding(f query.Filter, r loginsBack, before int64, sql string) Finding {
	one := r.newFinding("returned-accounts", r.account, fieldValue{}, loginsWithin(f, r.first, r.last, append(r.account.accountConditions(), outcomeIs(session.OutcomeSuccess))...))
	from := ""
	if first := slices.MinFunc(r.newest, loginRow.compareRow); !first.address.Absent && first.at == r.first {
		from = " from " + first.address.quotedText()
	}
	one.Sentence = fmt.Sprintf("%s logged in%s%s at %s, the first time since %s (%s).", r.account.user.quotedText(), r.account.placeText(), from, momentOf(r.first), dayOf(before),
		durationText(time.Duration(r.first-before).Round(oneDay)))
	one.SQL = []string{sql}
	return one
}
