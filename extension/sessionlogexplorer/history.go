package sessionlogexplorer

import (
	"context"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
)

type historyAnswer struct {
	First    *time.Time      `json:"first"` // null where what is covered does not show it
	Last     *time.Time      `json:"last"`
	Pairs    []groupAnswer   `json:"pairs"`
	Others   int             `json:"others"` // pairs that are left out
	Bars     []barAnswer     `json:"bars"`
	Hours    [7][24]int64    `json:"hours"`
	Findings []findingAnswer `json:"findings"`
	// FoundIn is how far the findings came: they have what time counting left.
	FoundIn coverageAnswerRange `json:"findings_coverage"`
	coverageAnswer
}

func (x *explorerServer) answerUser(c *apiCall) (any, error) {
	return x.answerHistory(c, "user_name", c.PathValue("name"))
}

func (x *explorerServer) answerAddress(c *apiCall) (any, error) {
	return x.answerHistory(c, "client_address", c.PathValue("ip"))
}

func (x *explorerServer) answerHistory(c *apiCall, column, value string) (any, error) {
	filter, err := withCondition(c.filter, column, value)
	if err != nil {
		return nil, err
	}
	h := historyQuestions{filter: filter, zone: c.zone}
	err = x.askStore(c.Context(), func(ctx context.Context, s query.Store, budget *timeBudget) error {
		h.store, h.budget = s, budget
		for _, part := range []func(context.Context) error{h.askPairs, h.askBars, h.askFindings} {
			if err := part(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		h.answer.coverageAnswer = newCoverageAnswer(h.covered)
	}
	return h.answer, err
}

// historyQuestions are those about a user or an address, which have a time budget together.
type historyQuestions struct {
	filter  query.Filter
	zone    *time.Location
	store   query.Store
	budget  *timeBudget
	answer  historyAnswer
	covered query.Coverage
}

func (h *historyQuestions) askPairs(ctx context.Context) error {
	pairs, covered, err := query.Pairs(ctx, h.store, h.filter, h.budget.left())
	h.answer.Pairs, h.answer.Others, h.covered = newGroupAnswers(query.PairColumns, pairs), max(0, len(pairs)-maxGroups), covered
	if len(pairs) > 0 {
		h.answer.Last = timeOrNull(pairs[0].Last)
	}
	return err
}

func (h *historyQuestions) askBars(ctx context.Context) error {
	bars, covered, err := query.Histogram(ctx, h.store, h.filter, partOfDay, h.budget.left())
	h.covered = h.covered.Join(covered)
	h.answer.Bars, h.answer.Hours = newBarAnswers(lastDays(sumDays(bars, h.zone, 1))), hoursOf(bars, h.zone)
	if err != nil || !covered.Complete || len(bars) == 0 {
		return err
	}
	first, err := query.FirstWithin(ctx, h.store, h.filter, bars[0].Start, partOfDay)
	h.answer.First = timeOrNull(first)
	return err
}

func (h *historyQuestions) askFindings(ctx context.Context) error {
	h.answer.Findings = []findingAnswer{}
	all := query.Coverage{Complete: true}
	for _, q := range questionsIn(h.zone) {
		found, covered, err := q.Ask(ctx, h.store, h.filter, h.budget.left())
		if err != nil {
			return err
		}
		all = all.Join(covered)
		h.answer.Findings = append(h.answer.Findings, newFindingAnswers(found)...)
	}
	h.answer.FoundIn = newCoverageAnswer(all).Coverage
	h.covered.SQL = append(h.covered.SQL, all.SQL...)
	return nil
}

// daysOfHistory is how many days an answer has at most: a leap year.
const daysOfHistory = 366

func lastDays(bars []query.Bar) []query.Bar {
	if len(bars) == 0 {
		return bars
	}
	oldest := bars[len(bars)-1].Start.AddDate(0, 0, -daysOfHistory)
	for len(bars) > 0 && !bars[0].Start.After(oldest) {
		bars = bars[1:]
	}
	return bars
}

func hoursOf(bars []query.Bar, zone *time.Location) (hours [7][24]int64) {
	for _, b := range bars {
		if b.Kind == "login" && b.Outcome == "success" {
			at := b.Start.In(zone)
			hours[(at.Weekday()+6)%7][at.Hour()] += b.Count
		}
	}
	return hours
}
