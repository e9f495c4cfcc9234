package query

import (
	"context"
	"fmt"
	"math"
	"time"
)

// pair is a user and an address.
type pair struct {
	account account
	address word
}

func (o QuestionOptions) askFirstSeen(ctx context.Context, s Store, f Filter, limits Limits) ([]Finding, Coverage, error) {
	left := newBudget(limits)
	pairs, accounts := map[pair]*logins{}, map[account]*logins{}
	covered, err := eachLogin(ctx, s, f, successfulLogins, limits.half(), func(row *loginRow) error {
		if !row.account.user.Absent && !row.address.Absent {
			addTo(pairs, pair{row.account, row.address}, row)
			addTo(accounts, row.account, row)
		}
		return nil
	})
	if err != nil || len(pairs) == 0 {
		return nil, covered, err
	}
	from, _ := f.bounds()
	h := history{ctx: ctx, store: s, left: left}
	seenLast := map[account]int64{} // before the range
	hasHistory := map[account]bool{}
	for _, a := range newestFirstKeys(accounts) {
		if left.isSpent() {
			covered.notBefore(accounts[a].last)
			delete(accounts, a)
			continue
		}
		at, found, _, err := h.newest(math.MinInt64, from, "", a.conditions()...)
		if err != nil {
			return nil, covered, err
		}
		if found {
			seenLast[a] = at
		}
		instance := account{system: a.system, instance: a.instance}
		if found && !hasHistory[instance] {
			_, old, _, err := h.newest(math.MinInt64, earlier(from, o.EarliestHistory), "", a.conditions()...)
			if err != nil {
				return nil, covered, err
			}
			hasHistory[instance] = old
		}
	}
	var found []firstSeen
	for _, p := range newestFirstKeys(pairs) {
		if accounts[p.account] == nil {
			continue
		}
		if left.isSpent() {
			covered.notBefore(pairs[p].last)
			continue
		}
		fresh := firstSeen{pair: p, logins: pairs[p]}
		at, known := seenLast[p.account]
		if fresh.userSeen = at; known {
			_, seen, sql, err := h.newest(math.MinInt64, from, "", append(p.account.conditions(), p.address.condition("client_address"))...)
			if err != nil {
				return nil, covered, err
			}
			if seen {
				continue
			}
			fresh.sql = sql
		} else {
			fresh.isNewUser = true
		}
		found = append(found, fresh)
	}
	return o.tellFirstSeen(f, found, hasHistory), covered, nil
}

func addTo[K comparable](all map[K]*logins, key K, row *loginRow) {
	l := all[key]
	if l == nil {
		l = &logins{}
		all[key] = l
	}
	l.add(row)
}

// earlier is a time by d before at, or the earliest.
func earlier(at int64, d time.Duration) int64 {
	if at < math.MinInt64+int64(d) {
		return math.MinInt64
	}
	return at - int64(d)
}

// firstSeen is a pair that was never seen before the range.
type firstSeen struct {
	pair
	*logins
	isNewUser bool
	userSeen  int64 // last before the range, unless he is new
	sql       string
}

// tellFirstSeen makes findings, one of many where they say one thing.
func (o QuestionOptions) tellFirstSeen(f Filter, found []firstSeen, hasHistory map[account]bool) []Finding {
	byInstance, byUser, byAddress := map[account][]firstSeen{}, map[account][]firstSeen{}, map[pair][]firstSeen{}
	for _, p := range found {
		instance := account{system: p.account.system, instance: p.account.instance}
		if !hasHistory[instance] {
			byInstance[instance] = append(byInstance[instance], p)
			continue
		}
		byUser[p.account] = append(byUser[p.account], p)
	}
	var all []Finding
	for instance, some := range byInstance {
		all = append(all, o.tellHistoryBegins(f, instance, some))
	}
	for user, some := range byUser {
		if len(some) > o.MostFirstSeen {
			all = append(all, tellManyAddresses(f, user, some))
			continue
		}
		for _, p := range some {
			at := pair{account{system: user.system, instance: user.instance}, p.address}
			byAddress[at] = append(byAddress[at], p)
		}
	}
	for at, some := range byAddress {
		if len(some) > o.MostFirstSeen {
			all = append(all, tellManyUsers(f, at, some))
			continue
		}
		for _, p := range some {
			all = append(all, tellPair(f, p))
		}
	}
	return sortFindings(all)
}

// together is what several pairs have in common, before sentence and filter are set.
func together(f Filter, a account, address word, some []firstSeen, conditions ...Condition) Finding {
	sum := logins{first: math.MaxInt64, last: math.MinInt64}
	for _, p := range some {
		sum.count += p.count
		sum.first, sum.last = min(sum.first, p.first), max(sum.last, p.last)
		sum.newest = append(sum.newest, p.newest...)
	}
	return sum.finding("first-seen", a, address, f.shows(sum.first, sum.last, append(conditions, outcomeIs(succeeded))...))
}

func (l *logins) finding(question string, a account, address word, shows Filter) Finding {
	return Finding{
		Question: question, System: a.system.Text, Instance: a.instance.Text, User: a.user.Text, Address: address.Text,
		First: time.Unix(0, l.first).UTC(), Last: time.Unix(0, l.last).UTC(), Count: l.count, Evidence: l.evidence(), Filter: shows,
	}
}

func tellPair(f Filter, p firstSeen) Finding {
	one := together(f, p.account, p.address, []firstSeen{p}, append(p.account.conditions(), p.address.condition("client_address"))...)
	one.Sentence = fmt.Sprintf("%s logged in from %s%s: not from there before; last seen %s.", p.account.user.quoted(), p.address.quoted(), p.account.where(), dayOf(p.userSeen))
	if p.isNewUser {
		one.Sentence = fmt.Sprintf("%s logged in from %s%s: no login of this user is stored before.", p.account.user.quoted(), p.address.quoted(), p.account.where())
	}
	if p.sql != "" {
		one.SQL = []string{p.sql}
	}
	return one
}

func tellManyAddresses(f Filter, user account, some []firstSeen) Finding {
	one := together(f, user, word{}, some, user.conditions()...)
	one.Sentence = fmt.Sprintf("%s logged in%s from %d addresses that it had not come from before, such as %s.", user.user.quoted(), user.where(), len(some), some[0].address.quoted())
	return one
}

func tellManyUsers(f Filter, at pair, some []firstSeen) Finding {
	one := together(f, at.account, at.address, some, at.account.system.condition("system"), at.account.instance.condition("instance"), at.address.condition("client_address"))
	one.Sentence = fmt.Sprintf("%d users logged in%s from %s, which they had not come from before, such as %s.", len(some), at.account.where(), at.address.quoted(), some[0].account.user.quoted())
	return one
}

func (o QuestionOptions) tellHistoryBegins(f Filter, instance account, some []firstSeen) Finding {
	users := map[account]bool{}
	for _, p := range some {
		users[p.account] = true
	}
	one := together(f, instance, word{}, some, instance.system.condition("system"), instance.instance.condition("instance"))
	one.Sentence = fmt.Sprintf("The history%s begins on %s or less than %s before: %d users and addresses (%d users) are new in it, which says nothing yet.",
		instance.where(), dayOf(one.First.UnixNano()), daysOf(o.EarliestHistory), len(some), len(users))
	return one
}
