package query

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Bar is how many events of one kind and outcome there were within a width of time.
type Bar struct {
	Start   time.Time // a multiple of the width since 1970 UTC
	Kind    string    // as [session.Kind] writes it: login
	Outcome string    // as [session.Outcome] writes it: success
	Count   int64     // of events, never 0
}

// Histogram counts the events of a filter over time, by kind and outcome, in the order of time.
func Histogram(ctx context.Context, s Store, f Filter, width time.Duration, limits Limits) ([]Bar, Coverage, error) {
	if width <= 0 {
		return nil, Coverage{}, fmt.Errorf("width %s: must be more than 0", width)
	}
	counts := map[Bar]int64{}
	covered, err := EachSlice(ctx, s, f, 0, limits, func(where string) string {
		return s.Select(startOf(s, int64(width)), textOf(s, "kind"), textOf(s, "outcome"), "count(*)") + " FROM " + s.Table() + where + " GROUP BY 1, " + groupedBy(s, 2, []*session.Field{MustFieldOf("kind"), MustFieldOf("outcome")})
	}, func(ctx context.Context, sql string) error {
		rows, err := wholeRows(ctx, s, sql, 4)
		for _, row := range rows {
			start, count, err := twoNumbers(row[0].Text, row[3].Text)
			if err != nil {
				return err
			}
			counts[Bar{Start: time.Unix(0, start).UTC(), Kind: row[1].Text, Outcome: row[2].Text}] += count
		}
		return err
	})
	bars := make([]Bar, 0, len(counts))
	for bar, count := range counts {
		bar.Count = count
		bars = append(bars, bar)
	}
	slices.SortFunc(bars, func(a, b Bar) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Outcome, b.Outcome))
	})
	return bars, covered, err
}

func startOf(s Store, width int64) string {
	ns, w := s.Nanoseconds(), strconv.FormatInt(width, 10)
	down := "(" + ns + " - CASE WHEN " + ns + " < 0 THEN " + strconv.FormatInt(width-1, 10) + " ELSE 0 END)"
	return s.Divide(down, width) + " * " + w
}

func textOf(s Store, column string) string { return s.AsText(MustFieldOf(column)) }

func twoNumbers(a, b string) (x, y int64, err error) {
	if x, err = strconv.ParseInt(a, 10, 64); err != nil {
		return 0, 0, err
	}
	y, err = strconv.ParseInt(b, 10, 64)
	return x, y, err
}
