package findings

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

const endOfSlow = 3 * time.Hour

// slowStore has failures of an hour, and then successes, all of one user; these take it a while, the longer the time that is asked for.
type slowStore struct {
	query.Store
	slowness time.Duration // what it takes a nanosecond for
}

func (slowStore) Table() string { return "t" }
func (slowStore) Select(expressions ...string) string {
	return "SELECT " + strings.Join(expressions, ", ")
}
func (slowStore) Nanoseconds() string            { return "time" }
func (slowStore) AsText(f *session.Field) string { return f.Column }
func (slowStore) Absent(f *session.Field) string { return f.Column + " IS NULL" }
func (slowStore) Text(s string) string           { return "'" + s + "'" }
func (slowStore) Between(from, until int64) string {
	return fmt.Sprintf("BETWEEN %d AND %d", from, until)
}

func (slowStore) Extent(context.Context) (int64, int64, bool, error) {
	return 0, int64(endOfSlow), true, nil
}

func (s slowStore) Rows(ctx context.Context, sql string, _ int) iter.Seq2[[]query.Cell, error] {
	return func(yield func([]query.Cell, error) bool) {
		outcome, cost := "failure", time.Duration(0)
		var from, until int64
		_, bounds, _ := strings.Cut(sql, "BETWEEN ")
		_, err := fmt.Sscanf(bounds, "%d AND %d", &from, &until)
		if strings.Contains(sql, "outcome = 'success'") {
			outcome, cost = "success", time.Duration(until-from)/s.slowness
		}
		select {
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-time.After(cost):
		}
		if err != nil {
			yield(nil, err)
			return
		}
		for at := from; at < until; at += int64(2 * time.Minute) {
			if isSuccess := at >= int64(time.Hour); isSuccess == (outcome == "success") && !yield([]query.Cell{
				{Text: fmt.Sprint(at)}, {Text: fmt.Sprintf("%032x", at)}, {Absent: true}, {Absent: true}, {Text: "alice"}, {Text: "192.0.2.1"}, {Text: outcome},
			}, nil) {
				return
			}
		}
	}
}

// TestSuccessesHaveTheTimeThatFailuresLeave: half of the question's time would be too short for them.
func TestSuccessesHaveTheTimeThatFailuresLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := query.Filter{From: time.Unix(0, 0), Until: time.Unix(0, int64(endOfSlow))}
		store := slowStore{slowness: endOfSlow / (500 * time.Millisecond)}
		found, covered, err := DefaultOptions().askFailedThenSucceeded(t.Context(), store, f, query.Limits{Time: 700 * time.Millisecond})
		require.NoError(t, err)
		require.True(t, covered.Complete)
		require.Len(t, found, 1)
	})
}

// TestWindowsAreJoined where they overlap, and the nearest of more than a statement has.
func TestWindowsAreJoined(t *testing.T) {
	windows := [][2]int64{{70, 80}, {0, 10}, {5, 7}, {12, 20}, {40, 50}}
	require.Equal(t, [][2]int64{{0, 10}, {12, 20}, {40, 50}, {70, 80}}, joinWindows(slices.Clone(windows), 4))
	require.Equal(t, [][2]int64{{0, 20}, {40, 50}, {70, 80}}, joinWindows(slices.Clone(windows), 3))
	require.Equal(t, [][2]int64{{0, 80}}, joinWindows(slices.Clone(windows), 1))
	require.Empty(t, joinWindows(nil, 1))
}
