package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/otel-sessionlog/sessionlog/cmd/sessionlog/internal/printing"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/query/findings"
	"github.com/otel-sessionlog/sessionlog/session"
)

func askNew(ctx context.Context, q *viewQuestion) (*printing.Answer, error) {
	options := findings.DefaultOptions()
	options.Zone = q.zone
	a := &printing.Answer{Coverage: query.Coverage{Complete: true}}
	var all []findings.Finding
	lists := []printing.Listing{}
	for _, asked := range options.Questions() {
		found, covered, err := asked.Ask(ctx, q.store, q.filter, q.limits)
		if err != nil {
			return nil, err
		}
		a.Coverage = a.Coverage.Join(covered)
		for i := range found {
			a.Coverage.SQL = append(a.Coverage.SQL, found[i].SQL...)
		}
		all = append(all, found...)
		shown := findingListing(found)
		shown.Title, shown.PeopleOnly, shown.Columns = asked.Title, true, []string{"last", "finding"}
		lists = append(lists, shown)
	}
	q.noteCoverage(a)
	whole := findingListing(all)
	whole.MachinesOnly = true
	a.Listings = append([]printing.Listing{whole}, lists...)
	return a, nil
}

func findingListing(found []findings.Finding) printing.Listing {
	all := []string{"question", "user", "address", "first", "last", "count", "finding", "search", "evidence"}
	return printing.Listing{Name: "findings", Columns: all, AllColumns: all, Count: len(found), Value: func(row int, column string) any {
		f := &found[row]
		switch column {
		case "question":
			return f.Question
		case "user":
			return printing.TextOrNil(f.User)
		case "address":
			return printing.TextOrNil(f.Address)
		case "first":
			return printing.TimeOrNil(f.First)
		case "last":
			return printing.TimeOrNil(f.Last)
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

func askOpen(ctx context.Context, q *viewQuestion) (*printing.Answer, error) {
	sessions, covered, err := query.OpenSessions(ctx, q.store, q.filter, q.limit, q.limits)
	if err != nil {
		return nil, err
	}
	a := &printing.Answer{Coverage: covered}
	if len(sessions) < q.limit {
		q.noteCoverage(a)
	}
	logins := make([]session.Event, len(sessions))
	for i := range sessions {
		logins[i] = sessions[i].Login
	}
	a.Listings = []printing.Listing{printing.EventListing("events", logins, q.columns)}
	return a, nil
}
