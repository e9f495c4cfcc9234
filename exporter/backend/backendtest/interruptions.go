package backendtest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/query/findings"
	"github.com/otel-sessionlog/sessionlog/session"
)

// endlessConditions never come to an end by themselves. A server's sleeps; SQLite cannot.
var endlessConditions = map[Dialect]string{
	SQLite:     "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n) > 0",
	PostgreSQL: "(SELECT 1 FROM pg_sleep(3600)) > 0",
	ClickHouse: "(SELECT sum(sleepEachRow(0.01)) FROM system.numbers SETTINGS max_block_size = 1) > 0",
}

// endlessStore has statements that do not end, from the one of a number on.
type endlessStore struct {
	query.Store
	condition string
	ending    int // statements that end
}

func (s *endlessStore) Between(from, until int64) string {
	if s.ending--; s.ending >= 0 {
		return s.Store.Between(from, until)
	}
	return s.Store.Between(from, until) + " AND " + s.condition
}

// endlessLookUps has look-ups that do not end, from the one of a number on.
type endlessLookUps struct {
	query.Store
	condition string
	ending    int
}

func (s *endlessLookUps) NewestOf(fields []*session.Field, keys [][]query.Cell, condition string) string {
	if s.ending--; s.ending < 0 {
		condition += " AND " + s.condition
	}
	return s.Store.NewestOf(fields, keys, condition)
}

// KeysAtOnce: so few that there is a second part.
func (s *endlessLookUps) KeysAtOnce() int { return 100 }

// Summary: where there is one, hardly anything is looked up.
func (s *endlessLookUps) Summary(context.Context) (summary query.Summary, known bool, err error) {
	return nil, false, nil
}

// lookUpsInterrupted asks what looks up users, of whom only the newest are answered.
func lookUpsInterrupted(t *testing.T, d Dialect, store query.Store, f query.Filter) {
	t.Helper()
	endings := map[string]int{"first-seen": 8, "unusual-hours": 20} // within the second part of the candidates
	for _, question := range findings.DefaultQuestions {
		ending, looksUp := endings[question.Name]
		if !looksUp {
			continue
		}
		begun := time.Now()
		all, _, err := question.Ask(t.Context(), store, f, query.Limits{})
		require.NoError(t, err)
		limits := query.Limits{Time: limitOf(d, time.Since(begun))}
		if d == ClickHouse { // each look-up takes as long there as reading all
			limits.Time *= 2
		}
		found, covered, err := question.Ask(t.Context(), &endlessLookUps{store, endlessConditions[d], ending}, f, limits)
		require.NoError(t, err)
		require.False(t, covered.Complete)
		require.True(t, covered.From.After(f.From) && covered.From.Before(f.Until), "%s", covered.From)
		require.Equal(t, question.Name == "first-seen", len(found) > 0) // all that are found of the other are older
		reported := whoIsFound(found)
		for i, who := range whoIsFound(all) {
			ofMany := all[i].User == "" || all[i].Address == "" && question.Name == "first-seen" // fewer of them may be found one by one
			require.True(t, ofMany || all[i].Last.Before(covered.From) || slices.Contains(reported, who), all[i].Sentence)
		}
	}
}

// limitOf is in which time what comes before the statement that does not end is surely answered, where the whole takes so long without it.
func limitOf(d Dialect, whole time.Duration) time.Duration {
	if d == SQLite { // it computes until then
		return 200*time.Millisecond + 6*whole
	}
	return max(2*time.Second, 10*whole)
}

// interruptions are questions of which a statement does not end.
func interruptions(d Dialect, store query.Store, events []session.Event) map[string]func(t *testing.T) {
	ask := func(ctx context.Context, ending int, limits query.Limits) ([]query.Bar, query.Coverage, error) {
		return query.Histogram(ctx, &endlessStore{store, endlessConditions[d], ending}, query.Filter{}, time.Hour, limits)
	}
	all := map[string]func(t *testing.T){
		"InLaterStatement": func(t *testing.T) {
			begun := time.Now()
			_, _, err := query.Histogram(t.Context(), store, query.Filter{}, time.Hour, query.Limits{})
			require.NoError(t, err)
			bars, covered, err := ask(t.Context(), 2, query.Limits{Time: limitOf(d, time.Since(begun))})
			require.NoError(t, err)
			require.False(t, covered.Complete)
			require.Positive(t, countOf(bars))
			require.Equal(t, eventsSince(events, covered.From), countOf(bars))
		},
		"InFirstStatement": func(t *testing.T) {
			bars, covered, err := ask(t.Context(), 0, query.Limits{Time: time.Millisecond})
			require.NoError(t, err)
			require.False(t, covered.Complete)
			require.Equal(t, covered.Until, covered.From)
			require.Empty(t, bars)
		},
		"OfTheCaller": func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, _, err := ask(ctx, 1, query.Limits{Time: time.Hour})
			require.ErrorIs(t, err, context.DeadlineExceeded)
		},
	}
	if d == SQLite { // it would compute through the second that the first statement has; the servers' tests show that, and the others here that SQLite is interrupted
		delete(all, "InFirstStatement")
	}
	return all
}

func countOf(bars []query.Bar) (count int64) {
	for _, bar := range bars {
		count += bar.Count
	}
	return count
}

func eventsSince(events []session.Event, from time.Time) (count int64) {
	for i := range events {
		if events[i].Time >= from.UnixNano() {
			count++
		}
	}
	return count
}
