//go:build unix

package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/query/findings"
	"github.com/otel-sessionlog/sessionlog/session"
)

// budget is the explorer's.
var budget = query.Limits{Time: 700 * time.Millisecond, Bytes: 16 << 20}

// click is one thing that a person does in the explorer.
type click struct {
	name string
	ask  func(context.Context, query.Store) (query.Coverage, int, error) // and how many lines the answer has
}

// now is the newest moment of what is asked.
var now = mustTime(newestMoment)

func mustTime(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return at
}

// over is a filter in the words of a query string.
func over(text string) query.Filter {
	values, err := url.ParseQuery(text)
	if err != nil {
		panic(err)
	}
	f, err := query.ParseFilter(values, now.Add(time.Second), time.UTC)
	if err != nil {
		panic(err)
	}
	return f
}

func events(name, filter string) click {
	return click{name + ": newest 100", func(ctx context.Context, s query.Store) (query.Coverage, int, error) {
		page, covered, err := query.Events(ctx, s, over(filter), nil, 100, budget)
		return covered, len(page), err
	}}
}

func histogram(name, filter string, width time.Duration) click {
	return click{name + ": chart", func(ctx context.Context, s query.Store) (query.Coverage, int, error) {
		bars, covered, err := query.Histogram(ctx, s, over(filter), width, budget)
		return covered, len(bars), err
	}}
}

func facets(name, filter string) click {
	return click{name + ": facets", func(ctx context.Context, s query.Store) (query.Coverage, int, error) {
		all, covered, err := query.Facets(ctx, s, over(filter), query.FacetColumns, 10, budget)
		return covered, len(all), err
	}}
}

func groups(name, filter string, columns []string) click {
	return click{name, func(ctx context.Context, s query.Store) (query.Coverage, int, error) {
		all, covered, err := query.Groups(ctx, s, over(filter), columns, budget)
		return covered, len(all), err
	}}
}

// search is a view of Search.
func search(name, filter string, width time.Duration) []click {
	return []click{events(name, filter), histogram(name, filter, width), facets(name, filter)}
}

const hour, day = time.Hour, 24 * time.Hour

// everyClick has those of every page. key is a session's, with an event at a time, record a record's.
func everyClick(key, record session.ID, at time.Time) (all []click) {
	all = append(all, click{"newest record", func(ctx context.Context, s query.Store) (query.Coverage, int, error) {
		_, _, _, err := s.Extent(ctx)
		return query.Coverage{Complete: true}, 1, err
	}})
	all = append(all, search("last day", "from=-24h", hour/2)...)
	all = append(all, search("30 days", "from=-720h", 12*hour)...)
	all = append(all, search("all", "", 2*day)...)
	all = append(all, search("busy user, 30 days", "from=-720h&user_name=service0", 12*hour)...)
	all = append(all, search("person, 30 days", "from=-720h&user_name=person77", 12*hour)...)
	all = append(all, search("failures, all", "kind=login&outcome=failure", 2*day)...)
	all = append(all, search("network, 30 days", "from=-720h&client_address=203.0.113.0/24", 12*hour)...)
	all = append(all, events("beginning of a name, 30 days", "from=-720h&user_name=person77*"), events("nobody", "user_name=nobody"), events("one record", "record_id="+record.String()))
	all = append(all, click{"a session", func(ctx context.Context, s query.Store) (query.Coverage, int, error) {
		page, covered, err := query.SessionAround(ctx, s, key, at, budget)
		return covered, len(page), err
	}})
	all = append(all,
		groups("a person, all: addresses", "user_name=person77", query.PairColumns), histogram("a person, all", "user_name=person77", day),
		groups("a busy user, all: addresses", "user_name=service0", query.PairColumns), histogram("a busy user, all", "user_name=service0", day),
		groups("an address, all: users", "client_address=203.0.113.7", query.PairColumns), histogram("an address, all", "client_address=203.0.113.7", day),
		groups("inventory, 30 days", "from=-720h", query.InventoryColumns), groups("inventory, all", "", query.InventoryColumns),
		histogram("now, 60 minutes", "from=-1h", time.Minute), histogram("now, failures of 7 days", "from=-168h&kind=login&outcome=failure", hour),
		click{"now, open sessions", func(ctx context.Context, s query.Store) (query.Coverage, int, error) {
			open, covered, err := query.OpenSessions(ctx, s, over("from=-24h"), 100, budget)
			return covered, len(open), err
		}})
	for _, question := range findings.DefaultQuestions {
		all = append(all, click{"new, a working day: " + question.Name, func(ctx context.Context, s query.Store) (query.Coverage, int, error) {
			found, covered, err := question.Ask(ctx, s, over("from=2026-11-26T17:30&to=2026-11-27T17:30"), budget)
			return covered, len(found), err
		}})
	}
	return all
}

// viewClicks are views of the last day.
func viewClicks(names []string) (all []click) {
	for _, name := range names {
		sql := "SELECT CAST(user_name AS Nullable(String)) AS cell_1 FROM " + name
		all = append(all, click{"view " + name, func(ctx context.Context, s query.Store) (query.Coverage, int, error) {
			rows := 0
			for _, err := range s.Rows(ctx, sql, 1) {
				if err != nil {
					return query.Coverage{}, rows, err
				}
				rows++
			}
			return query.Coverage{Complete: true, SQL: []string{sql}}, rows, nil
		}})
	}
	return all
}

// chooseSession finds a session and a record of some days ago to be looked for.
func chooseSession(ctx context.Context, s query.Store) (key, record session.ID, at time.Time, err error) {
	some, _, err := query.Events(ctx, s, over("from=-720h&to=-600h&kind=login&outcome=success"), nil, 1, query.Limits{})
	if err == nil && len(some) == 0 {
		err = fmt.Errorf("there are no logins of 25 days ago: too few rows")
	}
	if err != nil {
		return key, record, at, err
	}
	return some[0].SessionKey, some[0].RecordID, time.Unix(0, some[0].Time), nil
}
