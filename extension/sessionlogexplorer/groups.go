package sessionlogexplorer

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
)

// groupAnswer is the events that have the same values: a member for each column, and a [query.Tally].
type groupAnswer struct {
	columns []string
	group   query.Group
}

// MarshalJSON writes an object.
func (g groupAnswer) MarshalJSON() ([]byte, error) {
	members := map[string]any{
		"count": g.group.Count, "failures": g.group.Failures, "first_success": timeOrNull(g.group.FirstSuccess), "last": timeOrNull(g.group.Last),
	}
	for i, column := range g.columns {
		members[column] = cellText(g.group.Values[i])
	}
	return json.Marshal(members)
}

// maxGroups bounds an answer: the newest are in it.
const maxGroups = 5000

func newGroupAnswers(columns []string, groups []query.Group) []groupAnswer {
	answers := []groupAnswer{}
	for _, g := range groups[:min(len(groups), maxGroups)] {
		answers = append(answers, groupAnswer{columns, g})
	}
	return answers
}

type inventoryAnswer struct {
	Groups []groupAnswer `json:"groups"`
	Others int           `json:"others"` // groups that are left out
	coverageAnswer
}

func (x *explorer) answerInventory(w http.ResponseWriter, c *call) error {
	var answer inventoryAnswer
	err := x.ask(c.Context(), func(ctx context.Context, s query.Store, budget *timeBudget) error {
		groups, covered, err := query.Inventory(ctx, s, c.filter, budget.left())
		answer = inventoryAnswer{newGroupAnswers(query.InventoryColumns, groups), max(0, len(groups)-maxGroups), newCoverageAnswer(covered)}
		return err
	})
	if err == nil {
		writeJSON(w, http.StatusOK, answer)
	}
	return err
}

type historyAnswer struct {
	First    *time.Time      `json:"first"` // null where what is covered does not tell
	Last     *time.Time      `json:"last"`
	Pairs    []groupAnswer   `json:"pairs"`
	Others   int             `json:"others"` // pairs that are left out
	Bars     []barAnswer     `json:"bars"`
	Hours    [7][24]int64    `json:"hours"`
	Findings []findingAnswer `json:"findings"`
	coverageAnswer
}

func (x *explorer) answerUser(w http.ResponseWriter, c *call) error {
	return x.answerHistory(w, c, "user_name", c.PathValue("name"))
}

func (x *explorer) answerAddress(w http.ResponseWriter, c *call) error {
	return x.answerHistory(w, c, "client_address", c.PathValue("ip"))
}

func (x *explorer) answerHistory(w http.ResponseWriter, c *call, column, value string) error {
	filter, err := withCondition(c.filter, column, value)
	if err != nil {
		return err
	}
	var answer historyAnswer
	err = x.ask(c.Context(), func(ctx context.Context, s query.Store, budget *timeBudget) error {
		pairs, covered, err := query.Pairs(ctx, s, filter, budget.left())
		if err != nil {
			return err
		}
		answer.Pairs, answer.Others = newGroupAnswers(query.PairColumns, pairs), max(0, len(pairs)-maxGroups)
		if len(pairs) > 0 {
			answer.Last = timeOrNull(pairs[0].Last)
		}
		bars, alsoCovered, err := query.Histogram(ctx, s, filter, partOfDay, budget.left())
		if err != nil {
			return err
		}
		covered = joinCoverage(covered, alsoCovered)
		answer.Bars, answer.Hours = newBarAnswers(lastDays(sumDays(bars, c.zone, 1))), hoursOf(bars, c.zone)
		if alsoCovered.Complete && len(bars) > 0 {
			first, err := firstWithin(ctx, s, filter, bars[0].Start)
			if err != nil {
				return err
			}
			answer.First = timeOrNull(first)
		}
		answer.Findings = []findingAnswer{}
		for _, q := range questionsIn(c.zone) {
			found, alsoCovered, err := q.Ask(ctx, s, filter, budget.left())
			if err != nil {
				return err
			}
			covered = joinCoverage(covered, alsoCovered)
			answer.Findings = append(answer.Findings, newFindingAnswers(found)...)
		}
		answer.coverageAnswer = newCoverageAnswer(covered)
		return nil
	})
	if err == nil {
		writeJSON(w, http.StatusOK, answer)
	}
	return err
}

// daysOfHistory is how many days an answer has at most: a leap year.
const daysOfHistory = 366

// lastDays are the newest bars of days.
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

// hoursOf counts logins that succeeded by day of the week, Monday first, and hour of a zone.
func hoursOf(bars []query.Bar, zone *time.Location) (hours [7][24]int64) {
	for _, b := range bars {
		if b.Kind == "login" && b.Outcome == "success" {
			at := b.Start.In(zone)
			hours[(at.Weekday()+6)%7][at.Hour()] += b.Count
		}
	}
	return hours
}

// firstWithin is the time of a filter's first event, which is known to be within partOfDay after start.
func firstWithin(ctx context.Context, s query.Store, f query.Filter, start time.Time) (time.Time, error) {
	end := start.Add(partOfDay)
	if f.From.Before(start) {
		f.From = start
	}
	if f.Until.IsZero() || f.Until.After(end) {
		f.Until = end
	}
	for width := time.Second; width >= time.Millisecond; width /= 1000 { // as long as there are more than fit a page
		bars, _, err := query.Histogram(ctx, s, f, width, query.Limits{})
		if err != nil || len(bars) == 0 {
			return time.Time{}, err
		}
		if bars[0].Start.After(f.From) {
			f.From = bars[0].Start
		}
		if next := bars[0].Start.Add(width); next.Before(f.Until) {
			f.Until = next
		}
	}
	events, _, err := query.Events(ctx, s, f, nil, maxEventsPerPage, query.Limits{})
	if err != nil || len(events) == 0 {
		return time.Time{}, err
	}
	return time.Unix(0, events[len(events)-1].Time), nil
}
