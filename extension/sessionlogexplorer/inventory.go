package sessionlogexplorer

import (
	"context"
	"encoding/json"

	"github.com/otel-sessionlog/sessionlog/query"
)

// groupAnswer is the events that have the same values: a member for each column, and a [query.Tally].
type groupAnswer struct {
	columns []string
	group   query.Group
}

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

func (x *explorerServer) answerInventory(c *apiCall) (any, error) {
	var answer inventoryAnswer
	err := x.askStore(c.Context(), func(ctx context.Context, s query.Store, budget *timeBudget) error {
		groups, covered, err := query.Inventory(ctx, s, c.filter, budget.left())
		answer = inventoryAnswer{newGroupAnswers(query.InventoryColumns, groups), max(0, len(groups)-maxGroups), newCoverageAnswer(covered)}
		return err
	})
	return answer, err
}
