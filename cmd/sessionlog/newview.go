package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/query/findings"
	"github.com/otel-sessionlog/sessionlog/session"
)

func askNew(ctx context.Context, q *viewQuestion) (*viewAnswer, error) {
	options := findings.DefaultOptions()
	options.Zone = q.zone
	a := &viewAnswer{coverage: query.Coverage{Complete: true}}
	var all []findings.Finding
	lists := []rowListing{}
	for _, asked := range options.Questions() {
		found, covered, err := asked.Ask(ctx, q.store, q.filter, q.limits)
		if err != nil {
			return nil, err
		}
		a.coverage = a.coverage.Join(covered)
		for i := range found {
			a.coverage.SQL = append(a.coverage.SQL, found[i].SQL...)
		}
		all = append(all, found...)
		shown := findingListing(found)
		shown.title, shown.peopleOnly, shown.columns = asked.Title, true, []string{"last", "finding"}
		lists = append(lists, shown)
	}
	q.noteCoverage(a)
	whole := findingListing(all)
	whole.machinesOnly = true
	a.listings = append([]rowListing{whole}, lists...)
	return a, nil
}

func findingListing(found []findings.Finding) rowListing {
	all := []string{"question", "user", "address", "first", "last", "count", "finding", "search", "evidence"}
	return rowListing{name: "findings", columns: all, all: all, count: len(found), value: func(row int, column string) any {
		f := &found[row]
		switch column {
		case "question":
			return f.Question
		case "user":
			return textOrNil(f.User)
		case "address":
			return textOrNil(f.Address)
		case "first":
			return timeOrNil(f.First)
		case "last":
			return timeOrNil(f.Last)
		case "count":
			return f.Count
		case "finding":
			return f.Sentence
		case "search":
			return f.Filter.Values().Encode()
		}
		return idList(f.Evidence)
	}}
}

func textOrNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// idList is an array in JSON, and a list with spaces elsewhere.
type idList []session.ID

func (l idList) String() string {
	var texts []string
	for _, id := range l {
		texts = append(texts, strings.ReplaceAll(id.String(), "-", ""))
	}
	return strings.Join(texts, " ")
}

func (l idList) MarshalJSON() ([]byte, error) { return json.Marshal(strings.Fields(l.String())) }

func askOpen(ctx context.Context, q *viewQuestion) (*viewAnswer, error) {
	sessions, covered, err := query.OpenSessions(ctx, q.store, q.filter, q.limit, q.limits)
	if err != nil {
		return nil, err
	}
	a := &viewAnswer{coverage: covered}
	if len(sessions) < q.limit {
		q.noteCoverage(a)
	}
	logins := make([]session.Event, len(sessions))
	for i := range sessions {
		logins[i] = sessions[i].Login
	}
	a.listings = []rowListing{eventListing("events", logins, q.columns)}
	return a, nil
}
