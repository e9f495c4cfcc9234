package sessionlogexplorer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/otel-sessionlog/sessionlog/query"
)

type facetsAnswer struct {
	Facets []facetAnswer `json:"facets"`
	coverageAnswer
}

type facetAnswer struct {
	Column string        `json:"column"`
	Values []valueAnswer `json:"values"`
	Others int64         `json:"others"`
}

type valueAnswer struct {
	Value *string `json:"value"`
	Count int64   `json:"count"`
}

const (
	maxFacets         = 30
	valuesPerFacet    = 10
	maxValuesPerFacet = 1000
)

func (x *explorerServer) answerFacets(c *apiCall) (any, error) {
	columns, err := c.facetColumns()
	if err != nil {
		return nil, err
	}
	top, err := c.numberParameter("top", valuesPerFacet, maxValuesPerFacet)
	if err != nil {
		return nil, err
	}
	answer := facetsAnswer{Facets: []facetAnswer{}}
	err = x.askStore(c.Context(), func(ctx context.Context, s query.Store, budget *timeBudget) error {
		facets, covered, err := query.Facets(ctx, s, c.filter, columns, top, budget.left())
		for _, f := range facets {
			answer.Facets = append(answer.Facets, newFacetAnswer(f))
		}
		answer.coverageAnswer = newCoverageAnswer(covered)
		return err
	})
	return answer, err
}

func (c *apiCall) facetColumns() ([]string, error) {
	text := c.values.Get("columns")
	if text == "" {
		return query.FacetColumns, nil
	}
	columns := strings.Split(text, ",")
	if len(columns) > maxFacets {
		return nil, badRequest(fmt.Errorf("columns: %d are too many: name %d at most", len(columns), maxFacets))
	}
	var errs []error
	for i, column := range columns {
		field, err := query.FieldOf(column)
		if err == nil && slices.Contains(columns[:i], column) {
			err = fmt.Errorf("%s: is named twice", column)
		}
		if err == nil && query.IsList(field) {
			err = fmt.Errorf("%s: a list is no value to count by", column)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, badRequest(fmt.Errorf("columns: %w", err))
	}
	return columns, nil
}

func newFacetAnswer(f query.Facet) facetAnswer {
	answer := facetAnswer{f.Column, []valueAnswer{}, f.Others}
	for _, v := range f.Values {
		answer.Values = append(answer.Values, valueAnswer{cellText(v.Cell), v.Count})
	}
	return answer
}
