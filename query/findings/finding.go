// Package findings asks what is worth a look among the stored logins: who came from a new address, failed many times and then succeeded, came at an hour at
// which he never came, or came back after a long time. A [Question] is asked of the logins of a filter, and each of its answers is a [Finding]: a sentence,
// the records that it is about and a filter that shows them. [DefaultQuestions] have the thresholds of [DefaultOptions].
//
// It asks by package query, knows no backend, and needs no table of its own: what was seen before is looked up in the events, or in what the store has counted
// of them ([query.Summary]).
package findings

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Finding is one answer to a [Question].
type Finding struct {
	Question         string       // the name of the question
	System, Instance string       // "" where the finding is about several, or where the source says none
	User, Address    string       // "" where the finding is about several or none; of a text of more than 1,000 bytes its beginning
	First, Last      time.Time    // of the records that it is about, UTC
	Count            int64        // records that it is about
	Evidence         []session.ID // of these records, newest first, at most 100
	Oldest           session.ID   // of these records, that of First
	HistoryBegins    bool         // there is nothing yet to compare with; it says no more than that
	Sentence         string       // what was found; values of the records are quoted in it, without control characters
	Filter           query.Filter // shows the records
	SQL              []string     // what was looked up in the history; the statements of the range are the coverage's
}

// Question is what is asked of the logins of a filter. Ask gives the findings, the newest first: those whose last record is covered are all
// there.
type Question struct {
	Name, Title, Explanation string // a key such as first-seen; a question for people; one or two sentences
	Ask                      func(ctx context.Context, s query.Store, f query.Filter, limits query.Limits) ([]Finding, query.Coverage, error)
}

// Options are the thresholds of the questions. Durations and counts are those from which there is a finding.
type Options struct {
	Zone   *time.Location                  // of days and hours; nil: UTC
	Ignore func(user, address string) bool // logins that are not asked about; in the history they count. nil: none

	MostFirstSeen   int           // more new addresses of a user, or new users of an address, are one finding
	EarliestHistory time.Duration // of a system whose records begin later than this before the range, one finding says so
	KnownIPv4Bits   int           // an address is not new to a user who came from its network of so many bits in the usual period; 0: each address counts
	KnownIPv6Bits   int           // the same for IPv6

	FailuresBeforeSuccess int           // of one user, before a login that succeeded
	SuccessWithin         time.Duration // of the failures

	BurstFailures int // from one address
	BurstWithin   time.Duration

	GuessingAddresses int // from which one user's logins failed
	GuessedWithin     time.Duration

	UsualPeriod time.Duration // before the range, in which the usual hours are
	UsualLogins int           // in this period
	UsualSince  time.Duration // the first of them was at least so long before the range

	UnusedFor time.Duration // a user who logs in after so long without a login has come back
}

const oneDay = 24 * time.Hour

// DefaultOptions are the thresholds of [DefaultQuestions].
func DefaultOptions() Options {
	return Options{
		Zone:                  time.UTC,
		MostFirstSeen:         5,
		EarliestHistory:       7 * oneDay,
		FailuresBeforeSuccess: 3,
		SuccessWithin:         10 * time.Minute,
		BurstFailures:         10,
		BurstWithin:           10 * time.Minute,
		GuessingAddresses:     5,
		GuessedWithin:         time.Hour,
		UsualPeriod:           90 * oneDay,
		UsualLogins:           20,
		UsualSince:            14 * oneDay,
		UnusedFor:             90 * oneDay,
	}
}

// DefaultQuestions are those of [DefaultOptions].
var DefaultQuestions = DefaultOptions().Questions()

// Questions are all questions with these thresholds, in the order in which they are shown.
func (o Options) Questions() []Question {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	return []Question{
		{
			"first-seen", "Who logged in from a new address?",
			fmt.Sprintf("Logins of a user from an address that this user had never come from before. More than %d new addresses of a user, or new users of an address, are one finding.", o.MostFirstSeen),
			o.askFirstSeen,
		},
		{
			"failed-then-succeeded", "Who failed to log in, and then succeeded?",
			fmt.Sprintf("At least %d failed logins of a user, then a login within %s: of that user, or of another from the address that had failed.", o.FailuresBeforeSuccess, durationText(o.SuccessWithin)),
			o.askFailedThenSucceeded,
		},
		{
			"failure-bursts", "Which addresses failed to log in many times?",
			fmt.Sprintf("At least %d failed logins from an address within %s. Many users are a sign of spraying; one is a sign of guessing, or of a program with an old password.", o.BurstFailures, durationText(o.BurstWithin)),
			o.askFailureBursts,
		},
		{
			"guessed-users", "Whose password is guessed from many addresses?",
			fmt.Sprintf("Failed logins of a user from at least %d addresses within %s.", o.GuessingAddresses, durationText(o.GuessedWithin)),
			o.askGuessedUsers,
		},
		{
			"unusual-hours", "Who logged in at an unusual hour?",
			fmt.Sprintf("Logins in an hour of the day (%s) in which the user had none in the %s before, on working days or on weekends. Asked of users with at least %d logins in that time.",
				o.Zone, durationText(o.UsualPeriod), o.UsualLogins),
			o.askUnusualHours,
		},
		{
			"returned-accounts", "Which accounts came back?",
			fmt.Sprintf("The first login of a user who had logged in before, but not for %s.", durationText(o.UnusedFor)),
			o.askReturnedAccounts,
		},
	}
}

// notGuesses are the classes of failures at which nobody has guessed anything.
var notGuesses = []string{session.ErrorConnectionLimit, session.ErrorProviderUnavailable, session.ErrorTimeout, session.ErrorProtocol}

// sortFindings puts the newest first.
func sortFindings(all []Finding) []Finding {
	slices.SortStableFunc(all, func(a, b Finding) int {
		for _, order := range []int{b.Last.Compare(a.Last), strings.Compare(a.System, b.System), strings.Compare(a.Instance, b.Instance), strings.Compare(a.User, b.User), strings.Compare(a.Address, b.Address)} {
			if order != 0 {
				return order
			}
		}
		return 0
	})
	return all
}
