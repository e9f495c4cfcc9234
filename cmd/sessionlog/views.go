package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/otel-sessionlog/sessionlog/cmd/sessionlog/internal/printing"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

const oneDay = 24 * time.Hour

func storeViews() []storeView {
	return []storeView{
		{
			use: "search", short: "Lists events, newest first", limit: 100, columns: true, pages: true, ask: askSearch,
			long:    "search lists logins, failures and logouts, newest first.",
			example: "  sessionlog search --sqlite session_log.db --user alice --outcome failure\n  sessionlog search --config collector.yaml --from -24h 'client_address=10.0.0.0/8' --output csv",
		},
		{
			use: "failures", short: "Counts failed logins by user, address and reason", limit: 100, span: 7 * oneDay, ask: askFailures,
			long:    "failures counts failed logins by user, address and reason, the most frequent first: without --from those of the week before the newest record.",
			example: "  sessionlog failures --sqlite session_log.db --from 2026-11-01",
		},
		{
			use: "user NAME", short: "Shows where a user comes from, and when", limit: 20, ask: askUser,
			long:    "user shows a user's history: from where and with which clients he came, since when, at which hours, and his latest events.",
			example: "  sessionlog user alice --sqlite session_log.db",
		},
		{
			use: "address IP", short: "Shows who comes from an address", limit: 20, ask: askAddress,
			long:    "address shows the history of an address: who came from there, with which clients, since when, at which hours, and the latest events.",
			example: "  sessionlog address 192.0.2.7 --sqlite session_log.db",
		},
		{
			use: "session KEY", short: "Shows a session from the failures before it to its logout", ask: askSession,
			long:    "session shows all that is known of one session: the failed logins of the ten minutes before, the login, and what followed up to the logout.",
			example: "  sessionlog session 0123456789ab8def8123456789abcdef --sqlite session_log.db",
		},
		{
			use: "inventory", short: "Lists clients, drivers and methods that are in use", limit: 100, span: 30 * oneDay, ask: askInventory,
			long:    "inventory lists the clients, drivers, methods and TLS versions in use, and when each was seen last: without --from in the 30 days before the newest record.",
			example: "  sessionlog inventory --sqlite session_log.db auth_method=password",
		},
		{
			use: "new", short: "Tells what is new: addresses, failures and then a success, bursts, odd hours, accounts that came back", span: oneDay, ask: askNew,
			long: "new asks what one asks in the morning, of the day before the newest record without --from: who logged in from a new address, failed and then\n" +
				"succeeded, which addresses failed often, which users were guessed at, who came at an unusual hour, which accounts came back.",
			example: "  sessionlog new --sqlite session_log.db --tz Europe/Berlin",
		},
		{
			use: "open", short: "Lists logins without a logout, newest first", limit: 100, columns: true, ask: askOpen,
			long:    "open lists the logins whose session no logout has ended yet, newest first. Sources that report no logouts have all their sessions open.",
			example: "  sessionlog open --sqlite session_log.db",
		},
	}
}

func askSearch(ctx context.Context, q *viewQuestion) (*printing.Answer, error) {
	events, covered, err := query.Events(ctx, q.store, q.filter, q.after, q.limit, q.limits)
	if err != nil {
		return nil, err
	}
	a := &printing.Answer{Coverage: covered}
	next := any(nil)
	if len(events) == q.limit {
		position := query.PositionOf(&events[len(events)-1]).String()
		next = position
		a.Notes = append(a.Notes, fmt.Sprintf("The newest %d; the next page: --after %s", q.limit, position))
	} else {
		q.noteCoverage(a)
	}
	a.Facts = []printing.NamedValue{{Name: "next", Value: next}}
	a.Listings = []printing.Listing{printing.EventListing("events", events, q.columns)}
	return a, nil
}

func askFailures(ctx context.Context, q *viewQuestion) (*printing.Answer, error) {
	f := q.filter
	f.Conditions = append(slices.Clone(f.Conditions), query.Condition{Field: query.MustFieldOf("outcome"), Value: session.OutcomeFailure.String()})
	columns := []string{"user_name", "client_address", "error_type"}
	groups, covered, err := query.Groups(ctx, q.store, f, columns, q.limits)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(groups, func(a, b query.Group) int { return cmp.Compare(b.Failures, a.Failures) })
	return q.groupAnswer("groups", columns, groups, covered), nil
}

func askInventory(ctx context.Context, q *viewQuestion) (*printing.Answer, error) {
	groups, covered, err := query.Inventory(ctx, q.store, q.filter, q.limits)
	if err != nil {
		return nil, err
	}
	return q.groupAnswer("groups", query.InventoryColumns, groups, covered), nil
}

func (q *viewQuestion) groupAnswer(name string, columns []string, groups []query.Group, covered query.Coverage) *printing.Answer {
	a := &printing.Answer{Coverage: covered}
	q.noteCoverage(a)
	a.Listings = []printing.Listing{printing.GroupListing(name, "", columns, q.cutGroups(a, groups))}
	return a
}

func (q *viewQuestion) cutGroups(a *printing.Answer, groups []query.Group) []query.Group {
	more := len(groups) - q.limit
	if more <= 0 {
		return groups
	}
	a.Notes = append(a.Notes, fmt.Sprintf("%d further rows: --limit %d shows them.", more, q.limit+more))
	return groups[:q.limit]
}
