package main

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/cmd/sessionlog/internal/printing"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

func askUser(ctx context.Context, q *viewQuestion) (*printing.Answer, error) {
	return askProfile(ctx, q, "user_name")
}

func askAddress(ctx context.Context, q *viewQuestion) (*printing.Answer, error) {
	return askProfile(ctx, q, "client_address")
}

func askProfile(ctx context.Context, q *viewQuestion, column string) (*printing.Answer, error) {
	subject, err := query.ParseFilter(map[string][]string{column: {q.subject}}, time.Time{}, q.zone)
	if err != nil {
		return nil, usageError{err}
	}
	f := q.filter
	f.Conditions = append(subject.Conditions, f.Conditions...)
	pairs, covered, err := query.Pairs(ctx, q.store, f, q.limits)
	if err != nil {
		return nil, err
	}
	bars, hoursCovered, err := query.Histogram(ctx, q.store, f, time.Hour, q.limits)
	if err != nil {
		return nil, err
	}
	events, eventsCovered, err := query.Events(ctx, q.store, f, nil, q.limit, q.limits)
	if err != nil {
		return nil, err
	}
	a := &printing.Answer{Coverage: covered}
	a.Coverage.SQL = append(append(a.Coverage.SQL, hoursCovered.SQL...), eventsCovered.SQL...)
	q.noteCoverage(a)
	first, err := firstSeenIfCovered(ctx, q, f, bars, hoursCovered)
	if err != nil {
		return nil, err
	}
	a.Facts = profileFacts(pairs, bars, first, q.zone)
	pairs = q.cutGroups(a, pairs)
	a.Listings = []printing.Listing{
		printing.GroupListing("pairs", "From where and with what, newest first", query.PairColumns, pairs),
		hourListing(bars, q.zone),
		printing.EventListing("events", events, nil),
	}
	a.Listings[2].Title = "Latest events"
	return a, nil
}

func firstSeenIfCovered(ctx context.Context, q *viewQuestion, f query.Filter, hours []query.Bar, covered query.Coverage) (time.Time, error) {
	if !covered.Complete || len(hours) == 0 {
		return time.Time{}, nil
	}
	return query.FirstWithin(ctx, q.store, f, hours[0].Start, time.Hour)
}

func profileFacts(pairs []query.Group, bars []query.Bar, first time.Time, zone *time.Location) []printing.NamedValue {
	var total query.Tally
	for i := range pairs {
		total.Count += pairs[i].Count
		total.Failures += pairs[i].Failures
		if total.Last.Before(pairs[i].Last) {
			total.Last = pairs[i].Last
		}
	}
	return []printing.NamedValue{
		{Name: "first", Title: "First seen", Value: printing.TimeOrNil(first)},
		{Name: "last", Title: "Last seen", Value: printing.TimeOrNil(total.Last)},
		{Name: "count", Title: "Events", Value: total.Count},
		{Name: "failures", Title: "Failed logins", Value: total.Failures},
		{Name: "hours", Value: hoursByWeekday(bars, zone)},
	}
}

// hoursByWeekday counts by the hour of the day, of each day of the week, Monday first.
func hoursByWeekday(bars []query.Bar, zone *time.Location) (counts [7][24]int64) {
	for _, bar := range bars {
		at := bar.Start.In(zone)
		counts[(int(at.Weekday())+6)%7][at.Hour()] += bar.Count
	}
	return counts
}

func hourListing(bars []query.Bar, zone *time.Location) printing.Listing {
	counts := hoursByWeekday(bars, zone)
	var busiest int64
	for _, hours := range counts {
		for _, count := range hours {
			busiest = max(busiest, count)
		}
	}
	l := printing.Listing{Name: "weekdays", Title: "Hours, in tenths of the busiest one", Columns: []string{"weekday", "hours 0 to 23"}, AllColumns: []string{"weekday", "hours 0 to 23"}}
	if busiest > 0 {
		l.Count = len(counts)
	}
	l.Value = func(row int, column string) any {
		if column == "weekday" {
			return time.Weekday((row + 1) % 7).String()
		}
		var b strings.Builder
		for hour, count := range counts[row] {
			if hour > 0 && hour%6 == 0 {
				b.WriteByte(' ')
			}
			if count == 0 {
				b.WriteByte('.')
				continue
			}
			b.WriteString(strconv.FormatInt(max(1, count*9/busiest), 10))
		}
		return b.String()
	}
	return l
}

func askSession(ctx context.Context, q *viewQuestion) (*printing.Answer, error) {
	key, err := parseKey(q.subject)
	if err != nil {
		return nil, err
	}
	events, covered, err := query.Session(ctx, q.store, key, q.limits)
	if err != nil {
		return nil, err
	}
	a := &printing.Answer{Coverage: covered}
	var before []session.Event
	if len(events) > 0 {
		var alsoCovered query.Coverage
		if before, alsoCovered, err = query.FailuresBefore(ctx, q.store, &events[0], q.limits); err != nil {
			return nil, err
		}
		a.Coverage.SQL = append(a.Coverage.SQL, alsoCovered.SQL...)
	}
	a.Listings = []printing.Listing{printing.EventListing("events", events, nil), printing.EventListing("before", before, nil), detailListing(events)}
	a.Listings[0].Title = "The session"
	a.Listings[1].Title = "Failed logins of the same user or address before it"
	return a, nil
}

func parseKey(text string) (session.ID, error) {
	return parseIdentity(text, "%q is no key: write its 32 hexadecimal digits, as search shows under SESSION KEY")
}

func parseIdentity(text, complaint string) (id session.ID, err error) {
	digits, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(digits) != len(id) {
		return id, usageErrorf(complaint, text)
	}
	return session.ID(digits), nil
}

func detailListing(events []session.Event) printing.Listing {
	l := printing.Listing{Name: "login", Title: "What the first event says", Columns: []string{"field", "value"}, AllColumns: []string{"field", "value"}}
	if len(events) == 0 {
		return l
	}
	var fields []*session.Field
	for i := range session.Fields {
		if printing.EventValue(&events[0], &session.Fields[i]) != nil {
			fields = append(fields, &session.Fields[i])
		}
	}
	l.Count = len(fields)
	l.Value = func(row int, column string) any {
		if column == "field" {
			return fields[row].Column
		}
		return printing.EventValue(&events[0], fields[row])
	}
	return l
}
