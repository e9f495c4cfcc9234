package findings

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/query/internal/timebudget"
	"github.com/otel-sessionlog/sessionlog/session"
)

// isLocal reports whether an address says nothing about where somebody is: everybody on the machine has it, or it is not known.
func (w fieldValue) isLocal() bool {
	if w.Absent || w.Text == "[local]" || w.Text == "localhost" || w.Text != "" && w.Text[0] == '/' {
		return true
	}
	address, err := netip.ParseAddr(w.Text)
	return err == nil && address.Unmap().IsLoopback()
}

// failuresBy are the failures of a filter, and of a time before it, by what they have in common, each in the order of time.
func failuresBy[K comparable](ctx context.Context, o Options, s query.Store, f query.Filter, before time.Duration, limits query.Limits, key func(*loginRow) (K, bool)) (map[K][]loginRow, query.Coverage, error) {
	rows, covered, err := o.failuresOf(ctx, s, beginEarlier(f, before), limits)
	groups := map[K][]loginRow{}
	for i := range rows {
		if k, ok := key(&rows[i]); ok {
			groups[k] = append(groups[k], rows[i])
		}
	}
	return groups, clipCoverage(covered, f, before), err
}

// findDenseRuns are the stretches of rows, in the order of time, in which enough rows lie within a width of time; two that overlap, or have less between
// them, are one.
func findDenseRuns(rows []loginRow, width time.Duration, enough func(window []loginRow) bool) [][]loginRow {
	var all [][2]int
	begin := 0
	for end := range rows {
		for rows[begin].at < subtractDuration(rows[end].at, width) {
			begin++
		}
		if !enough(rows[begin : end+1]) {
			continue
		}
		if n := len(all); n > 0 && rows[begin].at-rows[all[n-1][1]-1].at <= int64(width) {
			all[n-1][1] = end + 1
			continue
		}
		all = append(all, [2]int{begin, end + 1})
	}
	var found [][]loginRow
	for _, r := range all {
		found = append(found, rows[r[0]:r[1]])
	}
	return found
}

func (o Options) askFailureBursts(ctx context.Context, s query.Store, f query.Filter, limits query.Limits) ([]Finding, query.Coverage, error) {
	groups, covered, err := failuresBy(ctx, o, s, f, o.BurstWithin, limits, func(r *loginRow) (userAddress, bool) {
		if r.address.isLocal() {
			return userAddress{r.account.withoutUser(), r.address}, true
		}
		return userAddress{address: r.address}, true
	})
	var all []Finding
	for key, rows := range groups {
		for _, run := range findDenseRuns(rows, o.BurstWithin, func(window []loginRow) bool { return len(window) >= o.BurstFailures }) {
			if run[len(run)-1].at >= beginningOf(covered, f) {
				all = append(all, burstFinding(f, key, run))
			}
		}
	}
	return sortFindings(all), covered, err
}

func burstFinding(f query.Filter, key userAddress, run []loginRow) Finding {
	conditions := append([]query.Condition{key.address.conditionOn("client_address"), outcomeIs(session.OutcomeFailure)}, guessConditions()...)
	users, instances := map[userAccount]bool{}, map[userAccount]bool{}
	for _, r := range run {
		users[r.account] = true
		instances[r.account.withoutUser()] = true
	}
	place := key.account.placeText()
	if key.address.isLocal() {
		conditions = append(conditions, key.account.system.conditionOn("system"), key.account.instance.conditionOn("instance"))
	} else if len(instances) == 1 {
		place = run[0].account.placeText()
	} else {
		place = fmt.Sprintf(" to %d instances", len(instances))
	}
	one := ofRows("failure-bursts", f, key.account, key.address, run, conditions)
	from := key.address.quotedText()
	if key.address.Absent {
		from = "an address that is not known"
	}
	one.Sentence = fmt.Sprintf("%d logins%s failed from %s within %s, of %s.", one.Count, place, from, durationText(one.Last.Sub(one.First)), formatCount(len(users), "user"))
	return one
}

// ofRows is a finding about rows, which are in the order of time.
func ofRows(question string, f query.Filter, a userAccount, address fieldValue, rows []loginRow, conditions []query.Condition) Finding {
	l := loginGroup{count: int64(len(rows)), oldest: rows[0].id, first: rows[0].at, last: rows[len(rows)-1].at, newest: rows[max(0, len(rows)-mostEvidence):]}
	return l.newFinding(question, a, address, loginsWithin(f, l.first, l.last, conditions...))
}

// guessConditions leaves out the failures at which nobody has guessed.
func guessConditions() (all []query.Condition) {
	for _, text := range notGuesses {
		all = append(all, query.Condition{Field: query.MustFieldOf("error_type"), Value: text, Exclude: true})
	}
	return all
}

func (o Options) askGuessedUsers(ctx context.Context, s query.Store, f query.Filter, limits query.Limits) ([]Finding, query.Coverage, error) {
	left := timebudget.New(limits.Time)
	groups, covered, err := failuresBy(ctx, o, s, f, o.GuessedWithin, mostOfTime(limits), func(r *loginRow) (userAccount, bool) { return r.account, !r.account.user.Absent })
	if err != nil {
		return nil, covered, err
	}
	h := historyReader{ctx: ctx, store: s, left: left}
	var all []Finding
	for user, rows := range groups {
		for _, run := range findDenseRuns(rows, o.GuessedWithin, func(window []loginRow) bool { return placesOf(window, o.GuessingAddresses) >= o.GuessingAddresses }) {
			if run[len(run)-1].at < beginningOf(covered, f) {
				continue
			}
			one := ofRows("guessed-users", f, user, fieldValue{}, run, append(append(user.accountConditions(), outcomeIs(session.OutcomeFailure)), guessConditions()...))
			one.Sentence = fmt.Sprintf("%d logins of %s%s failed from %d addresses within %s", one.Count, user.user.quotedText(), user.placeText(), placesOf(run, math.MaxInt), durationText(one.Last.Sub(one.First)))
			if err := h.addLastLogin(&one, user, run[len(run)-1].at); err != nil {
				return nil, covered, err
			}
			all = append(all, one)
		}
	}
	return sortFindings(all), covered, nil
}

func (h *historyReader) addLastLogin(one *Finding, user userAccount, until int64) error {
	if h.left.IsSpent() {
		one.Sentence += "."
		return nil
	}
	at, found, sql, err := h.newestLogin(user, math.MinInt64, until)
	one.SQL = append(one.SQL, sql)
	if found {
		one.Sentence += "; the last login before was on " + dayOf(at) + "."
	} else {
		one.Sentence += "; no login of this user is stored before."
	}
	return err
}

// placesOf counts the addresses of rows, up to a number; local ones are one.
func placesOf(rows []loginRow, enough int) int {
	places := map[fieldValue]bool{}
	for _, r := range rows {
		place := r.address
		if place.isLocal() {
			place = fieldValue{}
		}
		if places[place] = true; len(places) >= enough {
			break
		}
	}
	return len(places)
}
