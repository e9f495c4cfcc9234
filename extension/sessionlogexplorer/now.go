package sessionlogexplorer

import (
	"context"
	"encoding/json"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

type nowAnswer struct {
	Minutes      []barAnswer       `json:"minutes"` // of the last hour
	OpenSessions []json.RawMessage `json:"open_sessions"`
	OpenTotal    *int              `json:"open_total"` // null where more could not be counted in time
	Failures     failuresAnswer    `json:"failures"`
	Newest       *time.Time        `json:"newest"`
	Health       healthAnswer      `json:"health"`
	coverageAnswer
}

type failuresAnswer struct {
	LastHour int64    `json:"last_hour"`
	MeanHour *float64 `json:"mean_hour_of_7_days"` // null where there are no seven days, or they could not be counted in time
}

const (
	shownOpenSessions   = 100
	countedOpenSessions = 10_000
	oneWeek             = 7 * oneDay
)

func (x *explorerServer) answerNow(c *apiCall) (any, error) {
	var answer nowAnswer
	covered := query.Coverage{Complete: true}
	err := x.askStore(c.Context(), func(ctx context.Context, s query.Store, budget *timeBudget) error {
		oldest, newest, found, err := s.Extent(ctx)
		if err != nil {
			return err
		}
		if found {
			answer.Newest = timeOrNull(time.Unix(0, newest))
		}
		bars, alsoCovered, err := query.Histogram(ctx, s, query.Filter{From: c.now.Add(-time.Hour), Until: c.now}, time.Minute, budget.left())
		if err != nil {
			return err
		}
		answer.Minutes, covered = newBarAnswers(bars), covered.Join(alsoCovered)
		if alsoCovered, err = answer.Failures.countFailures(ctx, s, c.now, time.Unix(0, oldest), budget); err != nil {
			return err
		}
		covered = covered.Join(alsoCovered)
		alsoCovered, err = x.openSessions(ctx, s, c.now, &answer, budget)
		covered = covered.Join(alsoCovered)
		return err
	})
	if err != nil {
		return nil, err
	}
	answer.Health = x.healthOfStore(c.Context())
	answer.coverageAnswer = newCoverageAnswer(covered)
	return answer, nil
}

func (a *failuresAnswer) countFailures(ctx context.Context, s query.Store, now, oldest time.Time, budget *timeBudget) (query.Coverage, error) {
	filter, err := failedLogins(query.Filter{From: now.Add(-oneWeek), Until: now})
	if err != nil {
		return query.Coverage{}, err
	}
	bars, covered, err := query.Histogram(ctx, s, filter, time.Minute, budget.left())
	var all int64
	for _, b := range bars {
		all += b.Count
		if b.Start.After(now.Add(-time.Hour)) {
			a.LastHour += b.Count
		}
	}
	if covered.Complete && oldest.Before(filter.From) {
		mean := float64(all) / oneWeek.Hours()
		a.MeanHour = &mean
	}
	return covered, err
}

func (x *explorerServer) openSessions(ctx context.Context, s query.Store, now time.Time, answer *nowAnswer, budget *timeBudget) (query.Coverage, error) {
	filter := query.Filter{}
	if after := x.backend.AssumedClosedAfter; after > 0 {
		filter.From = now.Add(-after)
	}
	open, total, covered, err := query.CountOpenSessions(ctx, s, filter, shownOpenSessions, countedOpenSessions, budget.left())
	answer.OpenSessions = []json.RawMessage{}
	for i := range open {
		answer.OpenSessions = append(answer.OpenSessions, query.AppendEvent(nil, &open[i].Login))
	}
	if covered.Complete && total < countedOpenSessions {
		answer.OpenTotal = &total
	}
	return covered, err
}

func failedLogins(f query.Filter) (query.Filter, error) {
	f, err := withCondition(f, "kind", session.KindLogin.String())
	if err != nil {
		return f, err
	}
	return withCondition(f, "outcome", session.OutcomeFailure.String())
}
