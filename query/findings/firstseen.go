package findings

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/query/internal/timebudget"
	"github.com/otel-sessionlog/sessionlog/session"
)

// userAddress is a user and an address.
type userAddress struct {
	account userAccount
	address fieldValue
}

func (o Options) askFirstSeen(ctx context.Context, s query.Store, f query.Filter, limits query.Limits) (all []Finding, covered query.Coverage, err error) {
	q, err := o.askSummary(ctx, s, f, limits)
	if err != nil {
		return nil, query.Coverage{}, err
	}
	defer func() { covered.SQL = append(*q.counted.ran, covered.SQL...) }()
	from, _ := f.Bounds()
	fresh, err := q.newPairs(ctx, from)
	if err != nil {
		return nil, query.Coverage{}, err
	}
	if fresh != nil && len(fresh) == 0 {
		covered, err = coverageOfAll(ctx, s, f)
		return nil, covered, err
	}
	q.counted.known = fresh != nil
	accounts := map[userAccount]bool{}
	for p := range fresh {
		accounts[p.account] = true
	}
	if of, first, possible := ofUsers(f, accounts); possible {
		found, hasHistory, covered, err := q.firstSeenOf(ctx, of, first, fresh)
		isYoung := slices.ContainsFunc(found, func(p firstSeen) bool { return !hasHistory[p.account.withoutUser()] }) // as far as these users show
		if err != nil || !isYoung {
			return o.firstSeenFindings(f, found, hasHistory), covered, err
		}
	}
	found, hasHistory, covered, err := q.firstSeenOf(ctx, f, firstOfLogins, fresh)
	return o.firstSeenFindings(f, found, hasHistory), covered, err
}

// firstSeenOf are the pairs of a filter that were never seen before its time, and which of their instances have a history. fresh are all such pairs, where
// they are known.
func (q *historyQuestion) firstSeenOf(ctx context.Context, f query.Filter, first time.Duration, fresh map[userAddress]bool) (found []firstSeen, hasHistory map[userAccount]bool, covered query.Coverage, err error) {
	hasHistory = map[userAccount]bool{}
	pairs, accounts, covered, err := q.pairsOf(ctx, f, first)
	if err != nil || len(pairs) == 0 {
		return nil, hasHistory, covered, err
	}
	from, _ := f.Bounds()
	if f.From.IsZero() && !covered.Complete {
		return nil, hasHistory, covered, nil // what is before is not known yet
	}
	isDecided := func(p userAddress) bool { return q.counted.known && !p.lookupKey().isCut() }
	isSeen := func(p userAddress) bool { return isDecided(p) && !fresh[p] }
	if !q.counted.known {
		if isSeen, err = q.seenBefore(ctx, from, pairs); err != nil {
			return nil, hasHistory, covered, err
		}
	}
	all := slices.DeleteFunc(newestFirstKeys(pairs), isSeen)
	done, err := eachPart(ctx, q.store, q.left, q.store.KeysAtOnce(), all, func(h *historyReader, part []userAddress) error {
		fresh, seenLast, err := h.neverSeen(from, part, pairs, isDecided)
		if err != nil {
			return err
		}
		if fresh, err = q.fromNewNetworks(h, from, fresh, seenLast); err != nil {
			return err
		}
		if err := q.instancesWithHistory(h, from, fresh, accounts, hasHistory); err != nil {
			return err
		}
		for _, p := range fresh {
			found = append(found, h.firstSeenPair(p, pairs[p], from, seenLast))
		}
		return nil
	})
	if done < len(all) {
		startCoverageAfter(&covered, pairs[all[done]].last)
	}
	return found, hasHistory, covered, err
}

// pairsOf are the logins of a filter by user and address, and by user.
func (q *historyQuestion) pairsOf(ctx context.Context, f query.Filter, first time.Duration) (pairs map[userAddress]*loginGroup, accounts map[userAccount]*loginGroup, covered query.Coverage, err error) {
	pairs, accounts = map[userAddress]*loginGroup{}, map[userAccount]*loginGroup{}
	covered, err = q.eachLogin(ctx, q.store, f, first, successfulLogins, q.shareOfRange(), func(row *loginRow) error {
		if !row.account.user.Absent && !row.address.Absent {
			addTo(pairs, userAddress{row.account, row.address}, row)
			addTo(accounts, row.account, row)
		}
		return nil
	})
	return pairs, accounts, covered, err
}

func (h *historyReader) firstSeenPair(p userAddress, logins *loginGroup, from int64, seenLast map[userAccount]int64) firstSeen {
	one := firstSeen{userAddress: p, loginGroup: logins}
	at, known := seenLast[p.account]
	if one.isNewUser = !known; known {
		one.userSeen, one.sql = at, h.sqlFor(pairColumns, []lookupKey{p.lookupKey()}, math.MinInt64, from, "")
	}
	return one
}

// seenBefore finds those of the pairs of which a walk back has met a login before a time.
func (q *historyQuestion) seenBefore(ctx context.Context, from int64, pairs map[userAddress]*loginGroup) (isSeen func(userAddress) bool, err error) {
	seen := map[userAddress]bool{}
	h := historyReader{ctx: ctx, store: q.store, left: q.left}
	err = h.walkBack(math.MinInt64, from, func(row *loginRow) {
		if p := (userAddress{row.account, row.address}); pairs[p] != nil {
			seen[p] = true
		}
	}, func() int { return len(pairs) - len(seen) })
	return func(p userAddress) bool { return seen[p] }, err
}

// neverSeen are those of some pairs that have no login before a time, and when their users were seen last before it. Those that are decided have none.
func (h *historyReader) neverSeen(from int64, all []userAddress, pairs map[userAddress]*loginGroup, isDecided func(userAddress) bool) (fresh []userAddress, seenLast map[userAccount]int64, err error) {
	lookUp := func(columns []string, keys []lookupKey) (map[string]int64, error) {
		times, _, err := h.newestOf(columns, keys, math.MinInt64, from, "")
		return times, err
	}
	times, err := lookUp(accountColumns, keysOf(all, func(p userAddress) lookupKey { return p.account.lookupKey() }))
	if err != nil {
		return nil, nil, err
	}
	seenLast = map[userAccount]int64{}
	for _, p := range all {
		if at, known := times[p.account.lookupKey().String()]; known {
			seenLast[p.account] = at
		}
	}
	known := slices.DeleteFunc(slices.Clone(all), func(p userAddress) bool { _, known := seenLast[p.account]; return !known || isDecided(p) })
	atAddress, err := lookUp(addressColumns, keysOf(known, userAddress.addressKey))
	if err != nil {
		return nil, nil, err
	}
	known = slices.DeleteFunc(known, func(p userAddress) bool { _, known := atAddress[p.addressKey().String()]; return !known })
	byUser, byAddress := rarerFirst(pairs, known)
	times, err = lookUp(pairColumns, keysOf(byUser, userAddress.lookupKey))
	if err != nil {
		return nil, nil, err
	}
	others, err := lookUp(addressPairColumns, keysOf(byAddress, func(p userAddress) lookupKey { return append(p.addressKey(), p.account.user) }))
	if err != nil {
		return nil, nil, err
	}
	for _, p := range byAddress {
		if at, known := others[append(p.addressKey(), p.account.user).String()]; known {
			times[p.lookupKey().String()] = at
		}
	}
	fresh = slices.DeleteFunc(slices.Clone(all), func(p userAddress) bool { _, known := times[p.lookupKey().String()]; return known })
	return fresh, seenLast, nil
}

var (
	addressColumns     = []string{"client_address", "system", "instance"}
	addressPairColumns = append(slices.Clip(addressColumns), "user_name")
)

func (p userAddress) lookupKey() lookupKey { return p.account.lookupKey(p.address) }

func (p userAddress) addressKey() lookupKey {
	return lookupKey{p.address, p.account.system, p.account.instance}
}

// keysOf are the keys of pairs, each once.
func keysOf(pairs []userAddress, of func(userAddress) lookupKey) (keys []lookupKey) {
	there := map[string]bool{}
	for _, p := range pairs {
		if k := of(p); !there[k.String()] {
			there[k.String()] = true
			keys = append(keys, k)
		}
	}
	return keys
}

// rarerFirst chooses by which of the two each pair is looked up: by that with fewer logins in the range. A pool's user has millions of logins before it, and so
// has the address of a gateway.
func rarerFirst(logins map[userAddress]*loginGroup, pairs []userAddress) (byUser, byAddress []userAddress) {
	users, addresses := map[userAccount]int64{}, map[string]int64{}
	for p, l := range logins {
		users[p.account] += l.count
		addresses[p.addressKey().String()] += l.count
	}
	for _, p := range pairs {
		if users[p.account] < addresses[p.addressKey().String()] {
			byUser = append(byUser, p)
		} else {
			byAddress = append(byAddress, p)
		}
	}
	return byUser, byAddress
}

func (q *historyQuestion) instancesWithHistory(h *historyReader, from int64, fresh []userAddress, accounts map[userAccount]*loginGroup, hasHistory map[userAccount]bool) error {
	users := map[userAccount][]userAccount{}
	for a := range accounts {
		users[a.withoutUser()] = append(users[a.withoutUser()], a)
	}
	for _, p := range fresh {
		if _, decided := hasHistory[p.account.withoutUser()]; decided {
			continue
		}
		some := users[p.account.withoutUser()]
		slices.SortFunc(some, func(a, b userAccount) int { return cmp.Compare(accounts[b].count, accounts[a].count) })
		var keys []lookupKey
		for _, a := range some {
			keys = append(keys, a.lookupKey())
		}
		old, err := h.anyBefore(keys, subtractDuration(from, q.EarliestHistory))
		if err == nil && !old {
			old, err = h.anyOfPlace(q.left, p.account.withoutUser(), subtractDuration(from, q.UsualPeriod), subtractDuration(from, q.EarliestHistory))
		}
		if err != nil {
			return err
		}
		hasHistory[p.account.withoutUser()] = old
	}
	return nil
}

func (h *historyReader) anyBefore(users []lookupKey, until int64) (bool, error) {
	for some := range slices.Chunk(users, 10) {
		times, _, err := h.newestOf(accountColumns, some, math.MinInt64, until, "")
		if err != nil {
			return false, err
		}
		for _, k := range some {
			if _, known := times[k.String()]; known {
				return true, nil
			}
		}
	}
	return false, nil
}

// anyOfPlace reports whether an instance had a login in a time, whoever it was. Where there is no time to ask, it is taken for one that had.
func (h *historyReader) anyOfPlace(left timebudget.Budget, place userAccount, from, until int64) (found bool, err error) {
	f := newTimeFilter(from, until)
	f.Conditions = []query.Condition{place.system.conditionOn("system"), place.instance.conditionOn("instance")}
	covered, err := query.EachSlice(h.ctx, h.store, f, 0, query.Limits{Time: left.Rest()}, func(where string) string {
		return h.store.Select("1") + " FROM " + h.store.Table() + where + successfulLogins() + " LIMIT 1"
	}, func(ctx context.Context, sql string) error {
		for _, err := range h.store.Rows(ctx, sql, 1) {
			if err != nil {
				return err
			}
			found = true
		}
		if found {
			return query.ErrEnough
		}
		return nil
	})
	return found || !covered.Complete, err
}

func addTo[K comparable](all map[K]*loginGroup, key K, row *loginRow) {
	l := all[key]
	if l == nil {
		l = &loginGroup{}
		all[key] = l
	}
	l.addLogin(row)
}

// subtractDuration is a time by d before at, or the earliest.
func subtractDuration(at int64, d time.Duration) int64 {
	if at < math.MinInt64+int64(d) {
		return math.MinInt64
	}
	return at - int64(d)
}

// addDuration is a time by d after at, or the latest.
func addDuration(at int64, d time.Duration) int64 {
	if at > math.MaxInt64-int64(d) {
		return math.MaxInt64
	}
	return at + int64(d)
}

// firstSeen is a pair that was never seen before the range.
type firstSeen struct {
	userAddress
	*loginGroup
	isNewUser bool
	userSeen  int64 // last before the range, unless he is new
	sql       string
}

func (o Options) firstSeenFindings(f query.Filter, found []firstSeen, hasHistory map[userAccount]bool) []Finding {
	byInstance, byUser, byAddress := map[userAccount][]firstSeen{}, map[userAccount][]firstSeen{}, map[userAddress][]firstSeen{}
	for _, p := range found {
		if instance := p.account.withoutUser(); !hasHistory[instance] {
			byInstance[instance] = append(byInstance[instance], p)
			continue
		}
		byUser[p.account] = append(byUser[p.account], p)
	}
	var all []Finding
	for instance, some := range byInstance {
		all = append(all, o.historyBeginsFinding(f, instance, some))
	}
	for user, some := range byUser {
		if len(some) > o.MostFirstSeen {
			all = append(all, manyAddressesFinding(f, user, some))
			continue
		}
		for _, p := range some {
			at := userAddress{user.withoutUser(), p.address}
			byAddress[at] = append(byAddress[at], p)
		}
	}
	for at, some := range byAddress {
		if len(some) > o.MostFirstSeen {
			all = append(all, manyUsersFinding(f, at, some))
			continue
		}
		for _, p := range some {
			all = append(all, pairFinding(f, p))
		}
	}
	return sortFindings(all)
}

// combinePairs is what several pairs have in common, before sentence and filter are set.
func combinePairs(f query.Filter, a userAccount, address fieldValue, some []firstSeen, conditions ...query.Condition) Finding {
	sum := loginGroup{first: math.MaxInt64, last: math.MinInt64}
	for _, p := range some {
		sum.count += p.count
		if p.first < sum.first || p.first == sum.first && bytes.Compare(p.oldest[:], sum.oldest[:]) < 0 {
			sum.first, sum.oldest = p.first, p.oldest
		}
		sum.last = max(sum.last, p.last)
		sum.newest = append(sum.newest, p.newest...)
	}
	return sum.newFinding("first-seen", a, address, loginsWithin(f, sum.first, sum.last, append(conditions, outcomeIs(session.OutcomeSuccess))...))
}

func (l *loginGroup) newFinding(question string, a userAccount, address fieldValue, shows query.Filter) Finding {
	return Finding{
		Question: question, System: a.system.Text, Instance: a.instance.Text, User: a.user.Text, Address: address.Text,
		First: time.Unix(0, l.first).UTC(), Last: time.Unix(0, l.last).UTC(), Count: l.count, Evidence: evidenceIDs(l.newest), Oldest: l.oldest, Filter: shows,
	}
}

func pairFinding(f query.Filter, p firstSeen) Finding {
	one := combinePairs(f, p.account, p.address, []firstSeen{p}, append(p.account.accountConditions(), p.address.conditionOn("client_address"))...)
	one.Sentence = fmt.Sprintf("%s logged in from %s%s: not from there before; last seen %s.", p.account.user.quotedText(), p.address.quotedText(), p.account.placeText(), dayOf(p.userSeen))
	if p.isNewUser {
		one.Sentence = fmt.Sprintf("%s logged in from %s%s: no login of this user is stored before.", p.account.user.quotedText(), p.address.quotedText(), p.account.placeText())
	}
	if p.sql != "" {
		one.SQL = []string{p.sql}
	}
	return one
}

func manyAddressesFinding(f query.Filter, user userAccount, some []firstSeen) Finding {
	one := combinePairs(f, user, fieldValue{}, some, user.accountConditions()...)
	one.Sentence = fmt.Sprintf("%s logged in%s from %d addresses that it had not come from before, such as %s.", user.user.quotedText(), user.placeText(), len(some), some[0].address.quotedText())
	return one
}

func manyUsersFinding(f query.Filter, at userAddress, some []firstSeen) Finding {
	one := combinePairs(f, at.account, at.address, some, at.account.system.conditionOn("system"), at.account.instance.conditionOn("instance"), at.address.conditionOn("client_address"))
	one.Sentence = fmt.Sprintf("%d users logged in%s from %s, which they had not come from before, such as %s.", len(some), at.account.placeText(), at.address.quotedText(), some[0].account.user.quotedText())
	return one
}

func (o Options) historyBeginsFinding(f query.Filter, instance userAccount, some []firstSeen) Finding {
	users := map[userAccount]bool{}
	for _, p := range some {
		users[p.account] = true
	}
	one := combinePairs(f, instance, fieldValue{}, some, instance.system.conditionOn("system"), instance.instance.conditionOn("instance"))
	one.HistoryBegins = true
	one.Sentence = fmt.Sprintf("The history%s begins on %s or less than %s before: %s new in it, which says nothing yet.",
		instance.placeText(), dayOf(one.First.UnixNano()), durationText(o.EarliestHistory), countPairs(len(some), len(users)))
	return one
}

func countPairs(pairs, users int) string {
	if pairs == 1 {
		return "one user with one address is"
	}
	return fmt.Sprintf("%d pairs of a user and an address (%s) are", pairs, formatCount(users, "user"))
}
