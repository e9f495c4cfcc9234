package sessionlogexplorer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
)

type histogramAnswer struct {
	WidthSeconds float64     `json:"width_seconds"`
	Bars         []barAnswer `json:"bars"`
	coverageAnswer
}

type barAnswer struct {
	Start   time.Time `json:"start"`
	Kind    string    `json:"kind"`
	Outcome string    `json:"outcome"`
	Count   int64     `json:"count"`
}

func newBarAnswers(bars []query.Bar) []barAnswer {
	answers := make([]barAnswer, len(bars))
	for i, b := range bars {
		answers[i] = barAnswer{b.Start.UTC(), b.Kind, b.Outcome, b.Count}
	}
	return answers
}

func (x *explorerServer) answerHistogram(c *apiCall) (any, error) {
	width, err := c.widthParameter()
	if err != nil {
		return nil, err
	}
	var answer histogramAnswer
	err = x.askStore(c.Context(), func(ctx context.Context, s query.Store, budget *timeBudget) error {
		span, err := spanOf(ctx, s, c.filter)
		if err != nil {
			return err
		}
		if width == 0 {
			width = widthOfBars(span)
		}
		if span/width > maxBars {
			return badRequest(fmt.Errorf("width: %s makes more than %d bars of this range: give a longer one, or auto", width, maxBars))
		}
		bars, covered, err := c.barsWithinBudget(ctx, s, width, span, budget)
		answer = histogramAnswer{WidthSeconds: width.Seconds(), Bars: newBarAnswers(bars), coverageAnswer: newCoverageAnswer(covered)}
		return err
	})
	return answer, err
}

func (c *apiCall) widthParameter() (time.Duration, error) {
	text := c.values.Get("width")
	if text == "" || text == "auto" {
		return 0, nil // auto
	}
	width, err := time.ParseDuration(text)
	if err != nil || width < time.Millisecond {
		return 0, badRequest(fmt.Errorf("width: %q is no duration of 1ms or more, such as 1h, and not auto", text))
	}
	return width, nil
}

func (c *apiCall) barsWithinBudget(ctx context.Context, s query.Store, width, span time.Duration, budget *timeBudget) ([]query.Bar, query.Coverage, error) {
	if width%oneDay != 0 || c.zone == time.UTC || span > 3*365*oneDay {
		return query.Histogram(ctx, s, c.filter, width, budget.left())
	}
	bars, covered, err := query.Histogram(ctx, s, c.filter, partOfDay, budget.left())
	return sumDays(bars, c.zone, int(width/oneDay)), covered, err
}

// partOfDay is what every zone's offset is a multiple of.
const partOfDay = 15 * time.Minute

// sumDays adds bars up to so many days of a zone, each from midnight to midnight.
func sumDays(bars []query.Bar, zone *time.Location, days int) []query.Bar {
	counts := map[query.Bar]int64{}
	for _, b := range bars {
		count := b.Count
		b.Start, b.Count = startOfDays(b.Start, zone, days), 0
		counts[b] += count
	}
	sums := make([]query.Bar, 0, len(counts))
	for b, count := range counts {
		b.Count = count
		sums = append(sums, b)
	}
	slices.SortFunc(sums, func(a, b query.Bar) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Outcome, b.Outcome))
	})
	return sums
}

func startOfDays(t time.Time, zone *time.Location, days int) time.Time {
	year, month, date := t.In(zone).Date()
	number := int(time.Date(year, month, date, 0, 0, 0, 0, time.UTC).Unix() / int64(oneDay/time.Second))
	back := ((number % days) + days) % days
	return time.Date(year, month, date-back, 0, 0, 0, 0, zone).UTC()
}

const maxBars = 5000

// barsOfScreen is the most bars of width auto; there are at least half as many.
const barsOfScreen = 120

const oneDay = 24 * time.Hour

var barWidths = []time.Duration{
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 3 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 3 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, oneDay, 2 * oneDay, 4 * oneDay,
}

func widthOfBars(span time.Duration) time.Duration {
	for _, width := range barWidths {
		if span <= barsOfScreen*width {
			return width
		}
	}
	width := 7 * oneDay
	for span/barsOfScreen > width {
		width *= 2
	}
	return width
}

func spanOf(ctx context.Context, s query.Store, f query.Filter) (time.Duration, error) {
	oldest, newest, found, err := s.Extent(ctx)
	if err != nil || !found {
		return 0, err
	}
	from, until := time.Unix(0, oldest), time.Unix(0, newest)
	if !f.From.IsZero() && f.From.After(from) {
		from = f.From
	}
	if !f.Until.IsZero() && f.Until.Before(until) {
		until = f.Until
	}
	return max(0, until.Sub(from)), nil
}
