package sessionlogexplorer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // small containers and Windows have no zones of their own

	"github.com/otel-sessionlog/sessionlog/query"
)

const apiRoot = "/api/v1"

// zoneParameter is taken by every question: days of dates, and the zone of exports.
const zoneParameter = "tz"

// endpoint is one path of the API.
type endpoint struct {
	path       string   // below apiRoot
	parameters []string // beside those of a filter
	isFiltered bool
	answer     func(*explorer, http.ResponseWriter, *call) error
}

var endpoints = []endpoint{
	{"/events", []string{"limit", "after"}, true, (*explorer).answerEvents},
	{"/histogram", []string{"width"}, true, (*explorer).answerHistogram},
	{"/facets", []string{"columns", "top"}, true, (*explorer).answerFacets},
	{"/config", nil, false, (*explorer).answerConfig},
}

// call is one question of a client.
type call struct {
	*http.Request
	values url.Values
	zone   *time.Location
	filter query.Filter
}

// questionTimeout ends what the time budget of a question does not, such as a single statement that reads everything.
const questionTimeout = 20 * time.Second

func (x *explorer) apiHandler() http.Handler {
	mux := http.NewServeMux()
	for _, e := range endpoints {
		mux.HandleFunc(apiRoot+e.path, func(w http.ResponseWriter, r *http.Request) {
			c, err := readCall(r, e)
			if err == nil {
				err = e.answer(x, w, c)
			}
			if err != nil && r.Context().Err() == nil {
				writeError(w, err)
			}
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "there is no such path: "+apiRoot+"/openapi.yaml lists those there are")
	})
	return mux
}

func readCall(r *http.Request, e endpoint) (*call, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest(fmt.Errorf("the query string cannot be read: %w", err))
	}
	c := &call{Request: r, values: values, zone: time.UTC}
	if name := values.Get(zoneParameter); name != "" {
		if c.zone, err = time.LoadLocation(name); err != nil || name == "Local" {
			return nil, badRequest(fmt.Errorf("%s: %q is no time zone: write a name such as Europe/Berlin", zoneParameter, name))
		}
	}
	own := append([]string{zoneParameter}, e.parameters...)
	for _, name := range own {
		if len(values[name]) > 1 {
			return nil, badRequest(fmt.Errorf("%s: given %d times; give it once", name, len(values[name])))
		}
	}
	if !e.isFiltered {
		for name := range values {
			if !slices.Contains(own, name) {
				return nil, badRequest(fmt.Errorf("%s: unknown here; there are %s", name, strings.Join(own, ", ")))
			}
		}
		return c, nil
	}
	if c.filter, err = query.ParseFilter(values, time.Now(), c.zone, own...); err != nil {
		return nil, badRequest(err)
	}
	return c, nil
}

// number reads a parameter that is a number from 1 to most.
func (c *call) number(name string, unset, most int) (int, error) {
	text := c.values.Get(name)
	if text == "" {
		return unset, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, badRequest(fmt.Errorf("%s: %q is no number from 1 to %d", name, text, most))
	}
	return n, nil
}

// ask asks the backend, for as long as the client waits and no longer than questionTimeout.
func (x *explorer) ask(r *http.Request, do func(context.Context, query.Store) error) error {
	ctx, cancel := context.WithTimeout(r.Context(), questionTimeout)
	defer cancel()
	return x.stores.ask(ctx, func(s query.Store) error { return do(ctx, s) })
}

func (x *explorer) limits() query.Limits { return query.Limits{Time: x.config.AnswerTime} }

const (
	eventsPerPage    = 100
	maxEventsPerPage = 1000
)

type eventsAnswer struct {
	Events []json.RawMessage `json:"events"`
	Next   *string           `json:"next"`
	Newest *time.Time        `json:"newest"`
	coverageAnswer
}

func (x *explorer) answerEvents(w http.ResponseWriter, c *call) error {
	limit, err := c.number("limit", eventsPerPage, maxEventsPerPage)
	if err != nil {
		return err
	}
	var after *query.Position
	if text := c.values.Get("after"); text != "" {
		position, err := query.ParsePosition(text)
		if err != nil {
			return badRequest(fmt.Errorf("after: %w", err))
		}
		after = &position
	}
	answer := eventsAnswer{Events: []json.RawMessage{}}
	err = x.ask(c.Request, func(ctx context.Context, s query.Store) error {
		_, newest, found, err := s.Extent(ctx)
		if err != nil {
			return err
		}
		if found {
			answer.Newest = timeOrNull(time.Unix(0, newest))
		}
		events, covered, err := query.Events(ctx, s, c.filter, after, limit, x.limits())
		if err != nil {
			return err
		}
		for i := range events {
			answer.Events = append(answer.Events, appendEvent(nil, &events[i]))
		}
		if len(events) == limit {
			next := query.PositionOf(&events[limit-1]).String()
			answer.Next = &next
		}
		answer.coverageAnswer = newCoverageAnswer(covered)
		return nil
	})
	if err == nil {
		writeJSON(w, http.StatusOK, answer)
	}
	return err
}

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

func (x *explorer) answerHistogram(w http.ResponseWriter, c *call) error {
	var width time.Duration
	if text := c.values.Get("width"); text != "" && text != "auto" {
		var err error
		if width, err = time.ParseDuration(text); err != nil || width < time.Millisecond {
			return badRequest(fmt.Errorf("width: %q is no duration of 1ms or more, such as 1h, and not auto", text))
		}
	}
	var answer histogramAnswer
	err := x.ask(c.Request, func(ctx context.Context, s query.Store) (err error) {
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
		bars, covered, err := query.Histogram(ctx, s, c.filter, width, x.limits())
		answer = histogramAnswer{WidthSeconds: width.Seconds(), Bars: newBarAnswers(bars), coverageAnswer: newCoverageAnswer(covered)}
		return err
	})
	if err == nil {
		writeJSON(w, http.StatusOK, answer)
	}
	return err
}

func newBarAnswers(bars []query.Bar) []barAnswer {
	answers := make([]barAnswer, len(bars))
	for i, b := range bars {
		answers[i] = barAnswer(b)
	}
	return answers
}

// maxBars bounds an answer.
const maxBars = 5000

// barsOfScreen is the most bars of width auto; there are at least half as many.
const barsOfScreen = 120

var barWidths = []time.Duration{
	time.Second, 2 * time.Second, 3 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 3 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day, 4 * day,
}

const day = 24 * time.Hour

// widthOfBars is the shortest of a clock that makes no more than barsOfScreen of a span.
func widthOfBars(span time.Duration) time.Duration {
	for _, width := range barWidths {
		if span <= barsOfScreen*width {
			return width
		}
	}
	width := 7 * day
	for span > barsOfScreen*width {
		width *= 2
	}
	return width
}

// spanOf is how long a filter's time is, within that of the events there are.
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

type facetsAnswer struct {
	Facets []facetAnswer `json:"facets"`
	coverageAnswer
}

type facetAnswer struct {
	Column string        `json:"column"`
	Values []valueAnswer `json:"values"`
	Others int64         `json:"others"`
}

type valueAnswer struct {
	Value *string `json:"value"`
	Count int64   `json:"count"`
}

const (
	valuesPerFacet    = 10
	maxValuesPerFacet = 1000
)

func (x *explorer) answerFacets(w http.ResponseWriter, c *call) error {
	columns := query.FacetColumns
	if text := c.values.Get("columns"); text != "" {
		columns = strings.Split(text, ",")
	}
	var errs []error
	for _, column := range columns {
		_, err := query.FieldOf(column)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return badRequest(fmt.Errorf("columns: %w", err))
	}
	top, err := c.number("top", valuesPerFacet, maxValuesPerFacet)
	if err != nil {
		return err
	}
	answer := facetsAnswer{Facets: []facetAnswer{}}
	err = x.ask(c.Request, func(ctx context.Context, s query.Store) error {
		facets, covered, err := query.Facets(ctx, s, c.filter, columns, top, x.limits())
		for _, f := range facets {
			values := []valueAnswer{}
			for _, v := range f.Values {
				values = append(values, valueAnswer{cellText(v.Cell), v.Count})
			}
			answer.Facets = append(answer.Facets, facetAnswer{f.Column, values, f.Others})
		}
		answer.coverageAnswer = newCoverageAnswer(covered)
		return err
	})
	if err == nil {
		writeJSON(w, http.StatusOK, answer)
	}
	return err
}
