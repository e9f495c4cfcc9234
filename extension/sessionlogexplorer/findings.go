package sessionlogexplorer

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/query/findings"
)

// questionsIn are those of New, with the days and hours of a zone.
func questionsIn(zone *time.Location) []findings.Question {
	options := findings.DefaultOptions()
	options.Zone = zone
	return options.Questions()
}

type findingAnswer struct {
	Question string     `json:"question"`
	System   string     `json:"system"`
	Instance string     `json:"instance"`
	User     string     `json:"user"`
	Address  string     `json:"address"`
	First    *time.Time `json:"first"`
	Last     *time.Time `json:"last"`
	Count    int64      `json:"count"`
	Sentence string     `json:"sentence"`
	Evidence []string   `json:"evidence"`
	Search   string     `json:"search"` // a query string that shows the records
	SQL      []string   `json:"sql"`
}

func newFindingAnswers(found []findings.Finding) []findingAnswer {
	answers := make([]findingAnswer, 0, len(found))
	for _, f := range found {
		answer := findingAnswer{
			Question: f.Question, System: query.VisibleText(f.System), Instance: query.VisibleText(f.Instance),
			User: query.VisibleText(f.User), Address: query.VisibleText(f.Address), First: timeOrNull(f.First), Last: timeOrNull(f.Last), Count: f.Count,
			Sentence: query.VisibleText(f.Sentence), Evidence: []string{}, Search: f.Filter.Values().Encode(), SQL: []string{},
		}
		for _, id := range f.Evidence {
			answer.Evidence = append(answer.Evidence, hex.EncodeToString(id[:]))
		}
		for _, sql := range f.SQL {
			answer.SQL = append(answer.SQL, query.VisibleText(sql))
		}
		answers = append(answers, answer)
	}
	return answers
}

type newAnswer struct {
	Questions []questionAnswer `json:"questions"`
	From      *time.Time       `json:"from"` // what was asked about
	Until     *time.Time       `json:"until"`
	coverageAnswer
}

type questionAnswer struct {
	Name        string          `json:"name"`
	Title       string          `json:"title"`
	Explanation string          `json:"explanation"`
	Findings    []findingAnswer `json:"findings"`
	coverageAnswer
}

func (x *explorerServer) answerNew(c *apiCall) (any, error) {
	answer := newAnswer{Questions: []questionAnswer{}}
	covered := query.Coverage{Complete: true}
	err := x.askStore(c.Context(), func(ctx context.Context, s query.Store, _ *timeBudget) error {
		filter := c.filter
		if filter.From.IsZero() && filter.Until.IsZero() {
			newest, err := newestTime(ctx, s)
			if err != nil {
				return err
			}
			if !newest.IsZero() {
				filter.From, filter.Until = newest.Add(-oneDay), newest.Add(1)
			}
		}
		answer.From, answer.Until = timeOrNull(filter.From), timeOrNull(filter.Until)
		for _, q := range questionsIn(c.zone) {
			found, alsoCovered, err := q.Ask(ctx, s, filter, query.Limits{Time: x.config.AnswerTime})
			if err != nil {
				return err
			}
			covered = covered.Join(alsoCovered)
			answer.Questions = append(answer.Questions, questionAnswer{q.Name, q.Title, q.Explanation, newFindingAnswers(found), newCoverageAnswer(alsoCovered)})
		}
		return nil
	})
	if err == nil {
		covered.SQL = nil // each question has its own
		answer.coverageAnswer = newCoverageAnswer(covered)
	}
	return answer, err
}
