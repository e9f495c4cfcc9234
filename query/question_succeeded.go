package query

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// loginSequence is what logins are looked at together for failures before a success: those of a user, from one address or from all, or those from an address.
type loginSequence struct {
	account   account // the user is absent in those of an address
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
	user     account // that had failed
}

func (o QuestionOptions) askFailedThenSucceeded(ctx context.Context, s Store, f Filter, limits Limits) ([]Finding, Coverage, error) {
	left := newBudget(limits)
	rows, covered, err := o.failuresOf(ctx, s, f.extendedBefore(o.SuccessWithin), limits.halfOfTime())
	if err != nil {
		return nil, covered.clippedTo(f, o.SuccessWithin), err
	}
	suspects := o.suspectsOf(rows)
	if len(suspects) > 0 {
		successes := f.extendedBefore(o.SuccessWithin)
		successes.From = laterTime(successes.From, covered.From)
		also, err := o.eachLogin(ctx, s, successes, successfulLogins, left.remainingLimits(), func(row *loginRow) error {
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
	covered = covered.clippedTo(f, o.SuccessWithin)
	slices.SortFunc(rows, loginRow.compareRow)
	return o.successFindings(f, rows, suspects, covered.beginningIn(f)), covered, nil
}

func laterTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func (o QuestionOptions) suspectsOf(failures []loginRow) map[loginSequence]bool {
	recent := map[loginSequence][]int64{} // of each the times of its last failures
	suspects := map[loginSequence]bool{}
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
		for _, q := range sequencesOf(r) {
			suspects[q] = true
		}
	}
	return suspects
}

func (o QuestionOptions) successFindings(f Filter, rows []loginRow, suspects map[loginSequence]bool, from int64) []Finding {
	failures := map[loginSequence][]loginRow{} // since the last success
	type teller struct {
		account account
		address fieldValue
		other   bool // another user's success
	}
	found := map[teller][]afterFailures{}
	for i := range rows {
		r := &rows[i]
		var told *afterFailures
		for _, q := range sequencesOf(r) {
			if !suspects[q] {
				continue
			}
			if !r.success {
				failures[q] = append(failures[q], *r)
				continue
			}
			if some := o.enoughBefore(failures[q], r.at); told == nil && some != nil {
				told = &afterFailures{*r, some, some[0].account}
			}
			delete(failures, q)
		}
		if told != nil && r.at >= from {
			key := teller{r.account, r.address, told.user != r.account}
			found[key] = append(found[key], *told)
		}
	}
	var all []Finding
	for key, some := range found {
		all = append(all, afterFailuresFinding(f, some, key.other))
	}
	return sortFindings(all)
}

func (o QuestionOptions) enoughBefore(failures []loginRow, at int64) []loginRow {
	byUser := map[account][]loginRow{}
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

func afterFailuresFinding(f Filter, some []afterFailures, other bool) Finding {
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
		conditions = []Condition{who.system.conditionOn("system"), who.instance.conditionOn("instance"), last.success.address.conditionOn("client_address")}
	}
	found := sum.newFinding("failed-then-succeeded", who, last.success.address, f.withConditions(sum.first, sum.last, conditions...))
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
