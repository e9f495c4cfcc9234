package backendtest

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/query/findings"
	"github.com/otel-sessionlog/sessionlog/session"
)

// StatementsOf asks everything that package query asks, and hands out each statement that it ran, with the name of the question.
func StatementsOf(t *testing.T, store query.Store, do func(question, sql string)) {
	t.Helper()
	watched := &watchedStore{Store: store, do: do}
	ask := func(question string, run func(context.Context, query.Store) error) {
		watched.question = question
		require.NoError(t, run(t.Context(), watched), question)
	}
	all := query.Filter{}
	of := func(column, value string) query.Filter {
		return query.Filter{Conditions: []query.Condition{{Field: query.MustFieldOf(column), Value: value}}}
	}
	for name, f := range map[string]query.Filter{
		"all": all, "user": of("user_name", "alice"), "address": of("client_address", "192.0.2.10"), "record": of("record_id", session.ID{1}.String()),
		"trace": of("trace_id", session.ID{1}.String()), "failures": of("outcome", "failure"), "others": of("client_name", "psql"),
	} {
		ask("events, "+name, func(ctx context.Context, s query.Store) error {
			page, _, err := query.Events(ctx, s, f, nil, 10, query.Limits{})
			if err == nil && len(page) > 0 {
				after := query.PositionOf(&page[len(page)-1])
				_, _, err = query.Events(ctx, s, f, &after, 10, query.Limits{})
			}
			return err
		})
		ask("histogram, "+name, func(ctx context.Context, s query.Store) error {
			_, _, err := query.Histogram(ctx, s, f, time.Hour, query.Limits{})
			return err
		})
		ask("facets, "+name, func(ctx context.Context, s query.Store) error {
			_, _, err := query.Facets(ctx, s, f, query.FacetColumns, 10, query.Limits{})
			return err
		})
		ask("pairs, "+name, func(ctx context.Context, s query.Store) error {
			_, _, err := query.Pairs(ctx, s, f, query.Limits{})
			return err
		})
	}
	ask("inventory", func(ctx context.Context, s query.Store) error {
		_, _, err := query.Inventory(ctx, s, all, query.Limits{})
		return err
	})
	ask("open sessions", func(ctx context.Context, s query.Store) error {
		_, _, err := query.OpenSessions(ctx, s, all, 10, query.Limits{})
		return err
	})
	for _, question := range findings.DefaultQuestions {
		ask(question.Name, func(ctx context.Context, s query.Store) error {
			found, _, err := question.Ask(ctx, s, query.Filter{From: stageEnd.Add(-24 * time.Hour), Until: stageEnd}, query.Limits{Time: time.Hour})
			if err == nil && len(found) > 0 && len(found[0].SQL) > 0 {
				do(question.Name, found[0].SQL[0])
			}
			return err
		})
	}
}

// WriteScenes writes the events that the questions of New are tested with.
func WriteScenes(t *testing.T, storage Storage) {
	t.Helper()
	var st sceneEvents
	st.scenes()
	writeEvents(t, openBackend(t, storage), st.events...)
}

// watchedStore shows the statements.
type watchedStore struct {
	query.Store
	question string
	do       func(question, sql string)
}

func (w *watchedStore) Rows(ctx context.Context, sql string, expressions int) iter.Seq2[[]query.Cell, error] {
	w.do(w.question, sql)
	return w.Store.Rows(ctx, sql, expressions)
}

func (w *watchedStore) Events(ctx context.Context, table, tail string) iter.Seq2[*session.Event, error] {
	w.do(w.question, w.Select("*")+" FROM "+w.Table()+tail)
	return w.Store.Events(ctx, table, tail)
}
