package findings

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/query/internal/timebudget"
)

// loginSequence is what logins are looked at together for failures before a success: those of a user, from one address or from all, or those from an address.
type loginSequence struct {
	account   userAccount // the user is absent in those of an address
	address   fieldValue
	ofAddress bool
	ofUser    bool
}

func sequencesOf(r *loginRow) (all []loginSequence) {
	if !r.account.user.Absent {
		all = append(all, loginSequence{r.account, r.address, false, false}, loginSequence{account: r.account, ofUser: true})
	}
	if !r.address.isLocal() {
		all = append(all, loginSequence{account: r.account.withoutUser(), address: r.address, ofAddress: true})
	}
	return all
}

// afterFailures is a success, with the failures before it.
type afterFailures struct {
	success  loginRow
	failures []loginRow
	user     userAccount // that had failed
}

func (o Options) askFailedThenSucceeded(ctx context.Context, s query.Store, f query.Filter, limits query.Limits) ([]Finding, query.Coverage, error) {
	left := timebudget.New(limits.Time)
	rows, covered, err := o.failuresOf(ctx, s, beginEarlier(f, o.SuccessWithin), mostOfTime(limits))
	if err != nil {
		return nil, clipCoverage(covered, f, o.SuccessWithin), err
	}
	suspects, windows := o.suspectsOf(rows)
	if len(windows) > 0 {
		successes := cutToTime(f, max(windows[0][0], covered.From.UnixNano()), windows[len(windows)-1][1])
		within := func() string { return withinWindows(s, windows) + successfulLogins() }
		also, err := o.eachLogin(ctx, s, successes, oneDay, within, query.Limits{Time: left.Rest()}, func(row *loginRow) error {
			for _, q := range sequencesOf(row) {
				if suspects[q] {
					rows = append(rows, *row)
					break
				}
			}
			return nil
		})
		if err != nil {
			return nil, covered, err
		}
		if !also.Complete {
			covered.Complete, covered.From = false, laterTime(covered.From, also.From)
		}
		covered.SQL = append(covered.SQL, also.SQL...)
	}
	covered = clipCoverage(covered, f, o.SuccessWithin)
	slices.SortFunc(rows, loginRow.compareRow)
	return o.successFindings(f, rows, suspects, beginningOf(covered, f)), covered, nil
}

func laterTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// suspectsOf are what is suspected after enough failures of one user, which are in the order of time, and the times in which successes matter.
func (o Options) suspectsOf(failures []loginRow) (suspects map[loginSequence]bool, windows [][2]int64) {
	recent := map[loginSequence][]int64{} // of each the times of its last failures
	suspects = map[loginSequence]bool{}
	for i := range failures {
		r := &failures[i]
		if r.account.user.Absent {
			continue
		}
		user := loginSequence{account: r.account, ofUser: true}
		times := append(recent[user], r.at)
		if len(times) > o.FailuresBeforeSuccess {
			times = times[1:]
		}
		recent[user] = times
		if len(times) < o.FailuresBeforeSuccess || times[0] < subtractDuration(r.at, o.SuccessWithin) {
			continue
		}
		windows = append(windows, [2]int64{times[0], addDuration(r.at, o.SuccessWithin+1)})
		for _, q := range sequencesOf(r) {
			suspects[q] = true
		}
	}
	return suspects, joinWindows(windows, mostWindows)
}

const mostWindows = 100 // in one statement

// joinWindows joins those that overlap, and then the nearest ones until there are so many.
func joinWindows(windows [][2]int64, most int) (joined [][2]int64) {
	slices.SortFunc(windows, func(a, b [2]int64) int { return cmp.Compare(a[0], b[0]) })
	var gaps []int64
	for i := 1; i < len(windows); i++ {
		windows[i][1] = max(windows[i][1], windows[i-1][1])
		gaps = append(gaps, windows[i][0]-windows[i-1][1])
	}
	least := int64(0)
	if slices.Sort(gaps); len(gaps) >= most {
		least = max(0, gaps[len(gaps)-most])
	}
	for _, w := range windows {
		if n := len(joined); n > 0 && w[0]-joined[n-1][1] <= least {
			joined[n-1][1] = w[1]
			continue
		}
		joined = append(joined, w)
	}
	return joined
}

func withinWindows(s query.Store, windows [][2]int64) string {
	all := make([]string, len(windows))
	for i, w := range windows {
		all[i] = s.Between(w[0], w[1])
	}
	return " AND (" + strings.Join(all, " OR ") + ")"
}

func (o Options) successFindings(f query.Filter, rows []loginRow, suspects map[loginSequence]bool, from int64) []Finding {
	failures := map[loginSequence][]loginRow{} // since the last success
	type subject struct {
		account userAccount
		address fieldValue
		other   bool // another user's success
	}
	found := map[subject][]afterFailures{}
	for i := range rows {
		r := &rows[i]
		var after *afterFailures
		for _, q := range sequencesOf(r) {
			if !suspects[q] {
				continue
			}
			if !r.success {
				failures[q] = append(failures[q], *r)
				continue
			}
			if some := o.enoughBefore(failures[q], r.at); after == nil && some != nil {
				after = &afterFailures{*r, some, some[0].account}
			}
			delete(failures, q)
		}
		if after != nil && r.at >= from {
			key := subject{r.account, r.address, after.user != r.account}
			found[key] = append(found[key], *after)
		}
	}
	var all []Finding
	for key, some := range found {
		all = append(all, afterFailuresFinding(f, some, key.other))
	}
	return sortFindings(all)
}

func (o Options) enoughBefore(failures []loginRow, at int64) []loginRow {
	byUser := map[userAccount][]loginRow{}
	var most []loginRow
	for _, r := range failures {
		if r.at < subtractDuration(at, o.SuccessWithin) || r.account.user.Absent {
			continue
		}
		byUser[r.account] = append(byUser[r.account], r)
		if some := byUser[r.account]; len(some) >= o.FailuresBeforeSuccess && len(some) > len(most) {
			most = some
		}
	}
	return most
}

func afterFailuresFinding(f query.Filter, some []afterFailures, other bool) Finding {
	last := some[len(some)-1]
	var sum loginGroup
	for _, one := range some {
		for _, r := range append(slices.Clone(one.failures), one.success) {
			sum.addLogin(&r)
		}
	}
	who := last.success.account
	conditions := who.accountConditions()
	if other {
		conditions = []query.Condition{who.system.conditionOn("system"), who.instance.conditionOn("instance"), last.success.address.conditionOn("client_address")}
	}
	found := sum.newFinding("failed-then-succeeded", who, last.success.address, loginsWithin(f, sum.first, sum.last, conditions...))
	from := ""
	if !last.success.address.Absent {
		from = " from " + last.success.address.quotedText()
	}
	failed := ""
	if other {
		failed = " of " + last.user.user.quotedText()
	}
	found.Sentence = fmt.Sprintf("%s logged in%s%s at %s, %s after %d logins%s had failed", who.user.quotedText(), who.placeText(), from, momentOf(last.success.at),
		durationText(time.Duration(last.success.at-last.failures[len(last.failures)-1].at)), len(last.failures), failed)
	if len(some) > 1 {
		found.Sentence += fmt.Sprintf(", and in the same way %s before", formatTimes(len(some)-1))
	}
	found.Sentence += "."
	return found
}

func formatTimes(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
